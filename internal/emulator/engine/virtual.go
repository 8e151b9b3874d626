package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// Collections that are made of the catalogue. They go through the same
// filters, projection and paging as stored ones.

// Limits that ServiceProviderConfig announces (idcs-behaviour 2.7 and 2.8).
const (
	maxBulkOperations = 50
	maxBulkPayload    = 1 << 20
)

func virtualResourceTypes(tx *Tx) ([]Document, error) {
	var list []Document
	for _, name := range tx.e.cat.Names() {
		entry, _ := tx.e.cat.Entry(name)
		if name == customType {
			entry.Extensions = append(entry.Extensions, customURN)
		}
		doc := Document{
			"schemas":  []any{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
			"id":       entry.Name,
			"name":     entry.Name,
			"endpoint": entry.Endpoint,
			"schema":   entry.Core,
			"meta":     map[string]any{"resourceType": "ResourceType"},
		}
		var exts []any
		for _, urn := range entry.Extensions {
			exts = append(exts, map[string]any{"schema": urn, "required": false})
		}
		if exts != nil {
			doc["schemaExtensions"] = exts
		}
		list = append(list, doc)
	}
	return list, nil
}

// virtualSchemas lists each schema once. Where resource types share one, its
// attributes are those of the first.
func virtualSchemas(tx *Tx) ([]Document, error) {
	self, err := tx.info("Schema")
	if err != nil {
		return nil, err
	}
	byURN := map[string]Document{}
	var list []Document
	for _, name := range tx.e.cat.Names() {
		ti, err := tx.info(name)
		if err != nil {
			return nil, err
		}
		for _, s := range append([]*schema.Schema{ti.rt.Core}, ti.rt.Extensions...) {
			if doc, ok := byURN[s.ID]; ok {
				doc["idcsResourceTypes"] = append(elements(doc["idcsResourceTypes"]), ti.rt.Name)
				continue
			}
			attrs, err := schemaAttributes(self.core.get("attributes"), s.Attributes)
			if err != nil {
				return nil, err
			}
			if s.ID == customURN {
				if err := tx.addDefinitions(attrs); err != nil {
					return nil, err
				}
			}
			doc := Document{
				"schemas":           []any{self.rt.Core.ID},
				"id":                s.ID,
				"name":              s.Name,
				"idcsResourceTypes": []any{ti.rt.Name},
				"attributes":        attrs,
				"meta":              map[string]any{"resourceType": "Schema"},
			}
			byURN[s.ID] = doc
			list = append(list, doc)
		}
	}
	return list, nil
}

// schemaAttributes describes attributes with what the describing schema has
// names for.
func schemaAttributes(in *attr, attrs []*schema.Attribute) ([]any, error) {
	list := make([]any, 0, len(attrs))
	for _, a := range attrs {
		m, err := characteristics(a)
		if err != nil {
			return nil, err
		}
		for k := range m {
			if in.sub(k) == nil {
				delete(m, k)
			}
		}
		if subs := in.sub("subAttributes"); subs != nil && len(a.SubAttributes) > 0 {
			if m["subAttributes"], err = schemaAttributes(subs, a.SubAttributes); err != nil {
				return nil, err
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// characteristics is an attribute as JSON, with the defaults of RFC 7643 for
// what it leaves open, and without its sub-attributes.
func characteristics(a *schema.Attribute) (map[string]any, error) {
	flat := *a
	flat.SubAttributes = nil
	if flat.Mutability == "" {
		flat.Mutability = schema.ReadWrite
	}
	if flat.Returned == "" {
		flat.Returned = schema.ReturnedDefault
	}
	if flat.Uniqueness == "" {
		flat.Uniqueness = schema.UniqueNone
	}
	text, err := json.Marshal(flat)
	if err != nil {
		return nil, err
	}
	m, err := decode(text)
	if err != nil {
		return nil, err
	}
	// Declared as texts whatever the type of the attribute is.
	if v, ok := m["idcsDefaultValue"]; ok {
		if _, isText := v.(string); !isText {
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			m["idcsDefaultValue"] = string(text)
		}
	}
	setIfAbsent(m, "idcsDisplayName", displayName(a.Name))
	return m, nil
}

// displayName is a guess: recorded ones are the words of the name, "User Name".
func displayName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// virtualAttributes lists the attributes of every type, sub-attributes after
// their parent.
func virtualAttributes(tx *Tx) ([]Document, error) {
	self, err := tx.info("ResourceTypeSchemaAttribute")
	if err != nil {
		return nil, err
	}
	var list []Document
	for _, name := range tx.e.cat.Names() {
		ti, err := tx.info(name)
		if err != nil {
			return nil, err
		}
		for _, set := range ti.sets() {
			for _, a := range set.list {
				if list, err = appendAttribute(list, self, ti, a); err != nil {
					return nil, err
				}
			}
		}
	}
	return list, nil
}

func appendAttribute(list []Document, self, ti *typeInfo, a *attr) ([]Document, error) {
	m, err := characteristics(a.Attribute)
	if err != nil {
		return nil, err
	}
	urn := a.urn
	if urn == "" {
		urn = ti.rt.Core.ID
	}
	name := strings.TrimPrefix(a.path, a.urn+":")
	full := urn + ":" + name
	sum := sha256.Sum256([]byte(ti.rt.Name + "\x00" + full))
	doc := Document{}
	for k, v := range m {
		if self.core.get(k) != nil {
			doc[k] = v
		}
	}
	doc["schemas"] = []any{self.rt.Core.ID}
	doc["id"] = hex.EncodeToString(sum[:16])
	doc["resourceType"] = ti.rt.Name
	doc["idcsSchemaUrn"] = urn
	doc["idcsFullyQualifiedName"] = full
	doc["idcsCustomAttribute"] = a.urn == customURN
	doc["meta"] = map[string]any{"resourceType": self.rt.Name}
	if len(a.CSVColumns) > 0 && a.CSVColumns[0].Header != "" {
		doc["idcsCsvColumnHeaderName"] = a.CSVColumns[0].Header
	}
	list = append(list, doc)
	if a.subs == nil {
		return list, nil
	}
	for _, sub := range a.subs.list {
		if list, err = appendAttribute(list, self, ti, sub); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func virtualProviderConfig(*Tx) ([]Document, error) {
	yes := func() map[string]any { return map[string]any{"supported": true} }
	bulk := yes()
	bulk["maxOperations"] = json.Number(formatInt(maxBulkOperations))
	bulk["maxPayloadSize"] = json.Number(formatInt(maxBulkPayload))
	filter := yes()
	filter["maxResults"] = json.Number(formatInt(maxCount))
	return []Document{{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"id":      "ServiceProviderConfig",
		"patch":   yes(), "bulk": bulk, "filter": filter, "changePassword": yes(), "sort": yes(), "etag": yes(),
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token",
			"description": "Authentication with the OAuth 2.0 bearer token", "primary": true,
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig"},
	}}, nil
}

// virtualAllowedValues has the one list that a recording shows; the codes are
// data of the service, not ours to make up.
func virtualAllowedValues(*Tx) ([]Document, error) {
	var values []any
	for _, v := range []string{"de", "en", "es", "fr", "it", "pt", "zh-Hans", "zh-Hant", "ja", "ko", "no"} {
		values = append(values, map[string]any{"value": v})
	}
	return []Document{{
		"schemas":    []any{"urn:ietf:params:scim:schemas:oracle:idcs:AllowedValue"},
		"id":         "supportedLocales",
		"attrName":   "supportedLocales",
		"attrValues": values,
		"meta":       map[string]any{"resourceType": "AllowedValue"},
	}}, nil
}
