package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Custom attributes of users live in a schema of their own, which an
// administrator changes by PATCH or PUT on Schemas. What it holds is a value
// of the store, so that processes on one database agree; types are built
// anew when it changes.

// customURN is the schema of custom user attributes (idcs-behaviour 2.5).
const customURN = "urn:ietf:params:scim:schemas:idcs:extension:custom:User"

// customType is the resource type that has custom attributes, customName the
// value of the store.
const (
	customType = "User"
	customName = "schema:" + customURN
)

// maxCustom is the number of custom attributes that the service has room for:
// 84 and 5 searchable, 36 and 15 other texts, 20 integers.
const maxCustom = 84 + 5 + 36 + 15 + 20

var customAttrName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`)
})

// withCustom is a type together with the custom attributes it was built for.
type withCustom struct {
	data []byte
	ti   *typeInfo
}

// info answers a type as it is in this transaction: with custom attributes, or
// as plain SCIM shows it.
func (tx *Tx) info(typ string) (*typeInfo, error) {
	ti, err := tx.fullInfo(typ)
	if err != nil || !tx.call.Plain {
		return ti, err
	}
	return ti.plainView(), nil
}

func (tx *Tx) fullInfo(typ string) (*typeInfo, error) {
	ti, err := tx.e.info(typ)
	if err != nil || ti.rt.Name != customType {
		return ti, err
	}
	if tx.custom != nil {
		return tx.custom, nil
	}
	data, err := tx.customData()
	if err != nil {
		return nil, err
	}
	if c := tx.e.custom.Load(); c != nil && bytes.Equal(c.data, data) {
		tx.custom = c.ti
		return c.ti, nil
	}
	attrs, err := parseCustom(data)
	if err != nil {
		return nil, err
	}
	tx.custom = newTypeInfo(&schema.ResourceType{
		Name: ti.rt.Name, Endpoint: ti.rt.Endpoint, Core: ti.rt.Core, Verbs: ti.rt.Verbs, SingletonID: ti.rt.SingletonID,
		Extensions: append(slices.Clone(ti.rt.Extensions), &schema.Schema{ID: customURN, Name: "custom:User", Attributes: attrs}),
	}, ti.hooks)
	tx.e.custom.Store(&withCustom{data: data, ti: tx.custom})
	return tx.custom, nil
}

// customData is the stored form of the custom attributes; empty is none.
func (tx *Tx) customData() ([]byte, error) {
	data, err := tx.st.Value(customName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return data, err
}

func parseCustom(data []byte) ([]*schema.Attribute, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var attrs []*schema.Attribute
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&attrs); err != nil {
		return nil, fmt.Errorf("custom attributes: %w: %w", store.ErrCorrupt, err)
	}
	return attrs, nil
}

// changeSchema stores a schema that was changed. Only the custom one can be.
func changeSchema(tx *Tx, id string, old, doc Document) error {
	if !strings.EqualFold(id, customURN) {
		return fail(http.StatusNotImplemented, "", msgNotImplemented,
			"Schema %s cannot be changed in the emulator; custom attributes belong into %s.", id, customURN)
	}
	var attrs []*schema.Attribute
	seen := map[string]bool{}
	for _, x := range elements(doc["attributes"]) {
		a, err := customAttribute(asMap(x))
		if err != nil {
			return err
		}
		if key := strings.ToLower(a.Name); seen[key] {
			return fail(http.StatusConflict, scimUniqueness, msgDuplicate, "There are two custom attributes %s.", a.Name)
		}
		seen[strings.ToLower(a.Name)] = true
		attrs = append(attrs, a)
	}
	if len(attrs) > maxCustom {
		return bad(msgBody, "There are %d custom attributes, more than the %d that the service has room for.", len(attrs), maxCustom)
	}
	data, err := json.Marshal(attrs)
	if err != nil {
		return err
	}
	if err := tx.st.SetValue(customName, data); err != nil {
		return err
	}
	tx.custom = nil
	ti, err := tx.info("Schema")
	if err != nil {
		return err
	}
	return tx.audit(&Change{Tx: tx, Type: "Schema", ID: customURN, Old: old, New: doc, ti: ti}, "update", old, doc)
}

// customAttribute reads the definition of a custom attribute. What it leaves
// open are guesses: searchable, of at most 4000 characters.
func customAttribute(m map[string]any) (*schema.Attribute, error) {
	m = maps1(m)
	for name, v := range map[string]any{
		"type": string(schema.TypeString), "idcsSearchable": true, "idcsMaxLength": json.Number("4000"),
	} {
		setIfAbsent(m, name, v)
	}
	if m["type"] != any(string(schema.TypeString)) {
		delete(m, "idcsMaxLength")
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	a := &schema.Attribute{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, bad(msgBody, "The definition of a custom attribute is not valid.")
	}
	switch {
	case !customAttrName().MatchString(a.Name):
		return nil, bad(msgBody, "A custom attribute cannot be named %q.", a.Name)
	case !slices.Contains([]schema.Type{schema.TypeString, schema.TypeInteger, schema.TypeBoolean, schema.TypeDecimal, schema.TypeDateTime}, a.Type):
		return nil, bad(msgBody, "Custom attribute %s cannot be of type %s.", a.Name, a.Type)
	}
	return a, nil
}
