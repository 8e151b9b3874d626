package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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
	for _, a := range attrs {
		if _, err := compilePattern(a.Pattern); err != nil {
			return nil, fmt.Errorf("custom attribute %s: %w: %w", a.Name, store.ErrCorrupt, err)
		}
	}
	return attrs, nil
}

// addDefinitions completes the descriptions of the custom attributes with what
// their definitions say beyond what the engine works with, such as how a page
// shows them.
func (tx *Tx) addDefinitions(described []any) error {
	data, err := tx.customData()
	if err != nil || len(data) == 0 {
		return err
	}
	var defs []map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&defs); err != nil {
		return fmt.Errorf("custom attributes: %w: %w", store.ErrCorrupt, err)
	}
	for i, def := range defs {
		if i == len(described) {
			break
		}
		for name, v := range def {
			setIfAbsent(asMap(described[i]), name, v)
		}
	}
	return nil
}
