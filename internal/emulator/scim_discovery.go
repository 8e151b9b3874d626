package emulator

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/rfc7643"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// scimDiscovery serves the three documents of RFC 7644 section 4. One name
// after the collection's is an id.
func (s *Service) scimDiscovery(w http.ResponseWriter, r *http.Request, who *caller, name, rest string, below bool) {
	id, err := url.PathUnescape(rest)
	if err != nil || below && (id == "" || strings.Contains(id, "/") || name == "ServiceProviderConfig") {
		s.answerError(w, r, noSuchPath())
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.answerError(w, r, wrongVerb(w, r.Method, http.MethodGet, http.MethodHead))
		return
	}
	if r.URL.Query().Has("filter") {
		// Section 4 says so: whoever asks to filter must not be fooled.
		s.answerError(w, r, refusal(http.StatusForbidden, "", "", "A discovery document cannot be filtered."))
		return
	}
	docs, err := s.discover(who, name)
	switch {
	case err != nil:
		s.answerError(w, r, err)
	case name == "ServiceProviderConfig":
		writeBody(w, http.StatusOK, contentSCIM, docs[0])
	case !below:
		writePlainList(w, &engine.List{Total: len(docs), StartIndex: 1, Resources: docs})
	default:
		for _, doc := range docs {
			if found, _ := doc["id"].(string); strings.EqualFold(found, id) {
				writeBody(w, http.StatusOK, contentSCIM, doc)
				return
			}
		}
		s.answerError(w, r, refusal(http.StatusNotFound, "", "", name+" has no "+id+"."))
	}
}

func (s *Service) discover(who *caller, name string) ([]engine.Document, error) {
	types, err := s.engine.PlainTypes()
	if err != nil {
		return nil, err
	}
	base := who.call.BaseURL + scimBase
	switch name {
	case "ServiceProviderConfig":
		return []engine.Document{s.providerDocument(base)}, nil
	case "ResourceTypes":
		return typeDocuments(base, types), nil
	}
	return schemaDocuments(base, types), nil
}

func metaOf(typ, location string) map[string]any {
	return map[string]any{"resourceType": typ, "location": location}
}

// providerDocument is RFC 7643 section 5.
func (s *Service) providerDocument(base string) engine.Document {
	feature := func(more ...any) map[string]any {
		m := map[string]any{"supported": true}
		for i := 0; i+1 < len(more); i += 2 {
			name, _ := more[i].(string)
			m[name] = more[i+1]
		}
		return m
	}
	return engine.Document{
		"schemas":        []any{rfc7643.URNServiceProviderConfig},
		"patch":          feature(),
		"bulk":           feature("maxOperations", s.opts.BulkMaxOperations, "maxPayloadSize", s.opts.MaxPayload),
		"filter":         feature("maxResults", engine.MaxCount),
		"changePassword": feature(),
		"sort":           feature(),
		"etag":           feature(),
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
			"description": "Authentication scheme using the OAuth Bearer Token Standard",
			"specUri":     "https://www.rfc-editor.org/info/rfc6750",
		}},
		"meta": metaOf("ServiceProviderConfig", base+"/ServiceProviderConfig"),
	}
}

// typeDocuments is RFC 7643 section 6.
func typeDocuments(base string, types []*schema.ResourceType) []engine.Document {
	var docs []engine.Document
	for _, rt := range types {
		exts := []any{}
		for _, x := range rt.Extensions {
			exts = append(exts, map[string]any{"schema": x.ID, "required": false})
		}
		docs = append(docs, engine.Document{
			"schemas": []any{rfc7643.URNResourceType},
			"id":      rt.Name, "name": rt.Name, "description": rt.Core.Description,
			"endpoint": rt.Endpoint, "schema": rt.Core.ID, "schemaExtensions": exts,
			"meta": metaOf("ResourceType", base+"/ResourceTypes/"+rt.Name),
		})
	}
	return docs
}

// schemaDocuments is RFC 7643 section 7: the schemas of the resource types and
// those of the discovery documents themselves.
func schemaDocuments(base string, types []*schema.ResourceType) []engine.Document {
	var list []*schema.Schema
	for _, rt := range types {
		list = append(append(list, rt.Core), rt.Extensions...)
	}
	list = append(list, rfc7643.ServiceProviderConfig(), rfc7643.ResourceType(), rfc7643.Schema())
	common := map[string]bool{}
	for _, a := range rfc7643.Common() {
		common[a.Name] = true
	}
	var docs []engine.Document
	for _, sch := range list {
		attrs := sch.Attributes
		if sch.ID == rfc7643.URNUser || sch.ID == rfc7643.URNGroup {
			// Shared attributes belong to no schema (RFC 7643 section 3.1).
			attrs = nil
			for _, a := range sch.Attributes {
				if !common[a.Name] {
					attrs = append(attrs, a)
				}
			}
		}
		docs = append(docs, engine.Document{
			"schemas": []any{rfc7643.URNSchema},
			"id":      sch.ID, "name": sch.Name, "description": sch.Description,
			"attributes": attributeDocuments(attrs),
			"meta":       metaOf("Schema", base+"/Schemas/"+sch.ID),
		})
	}
	return docs
}

func attributeDocuments(attrs []*schema.Attribute) []any {
	list := make([]any, 0, len(attrs))
	for _, a := range attrs {
		m := map[string]any{
			"name": a.Name, "type": string(a.Type), "multiValued": a.MultiValued, "description": a.Description,
			"required": a.Required, "mutability": string(a.Mutability), "returned": string(a.Returned),
		}
		switch a.Type {
		case schema.TypeComplex:
			m["subAttributes"] = attributeDocuments(a.SubAttributes)
		case schema.TypeString, schema.TypeReference, schema.TypeBinary:
			m["caseExact"], m["uniqueness"] = a.CaseExact, string(a.Uniqueness)
		default:
			m["uniqueness"] = string(a.Uniqueness)
		}
		if len(a.CanonicalValues) > 0 {
			m["canonicalValues"] = texts(a.CanonicalValues)
		}
		if len(a.ReferenceTypes) > 0 {
			m["referenceTypes"] = texts(a.ReferenceTypes)
		}
		list = append(list, m)
	}
	return list
}

func texts(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}
