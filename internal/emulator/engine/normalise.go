package engine

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// ownMembers is how many members the service itself adds to a document, more or
// less.
const ownMembers = 16

// normalise turns a document as sent into the form in which the engine works:
// a deep copy with declared spellings of attribute names, extensions under
// their URN (the flat form <URN>:<attribute> included), no nulls and no empty
// lists, and every value of its declared type.
func (ti *typeInfo) normalise(in Document) (Document, error) {
	out := make(Document, len(in)+ownMembers)
	var few [48]string // most documents need no allocation
	for _, key := range appendKeys(few[:0], in) {
		if err := ti.normaliseMember(out, key, in[key]); err != nil {
			return nil, err
		}
	}
	if err := ti.normaliseSchemas(out); err != nil {
		return nil, err
	}
	return out, nil
}

func (ti *typeInfo) normaliseMember(out Document, key string, v any) error {
	if set := ti.named(key); set != nil {
		if v == nil {
			return nil
		}
		m, ok := v.(map[string]any)
		if !ok {
			return bad(msgType, "Attribute %s must be an object.", key)
		}
		var few [32]string
		for _, name := range appendKeys(few[:0], m) {
			a := set.get(name)
			if a == nil && ti.ignores(name) {
				continue
			}
			if a == nil {
				if err := unknown(key + ":" + name); err != nil {
					return err
				}
				continue
			}
			if err := store1(out, a, m[name]); err != nil {
				return err
			}
		}
		return nil
	}
	a, sub := ti.flat(key)
	if a == nil {
		return unknown(key)
	}
	if sub == nil {
		return store1(out, a, v)
	}
	w, err := sub.normalise(v)
	if err != nil || w == nil {
		return err
	}
	m, _ := value(out, a).(map[string]any)
	if m == nil {
		m = map[string]any{}
		setValue(out, a, m)
	}
	m[sub.Name] = w
	return nil
}

// flat finds the attribute that a member of a document names: an attribute of
// the core schema, or in the flat form one of an extension, of which it may
// also be a sub-attribute of a single complex attribute.
func (ti *typeInfo) flat(key string) (a, sub *attr) {
	if a := ti.core.get(key); a != nil {
		return a, nil
	}
	i := strings.LastIndexByte(key, ':')
	if i < 0 {
		return nil, nil
	}
	set := ti.byURN[strings.ToLower(key[:i])]
	if set == nil {
		return nil, nil
	}
	name := key[i+1:]
	if a := set.get(name); a != nil {
		return a, nil
	}
	name, subName, ok := strings.Cut(name, ".")
	if !ok {
		return nil, nil
	}
	if a := set.get(name); a != nil && !a.MultiValued {
		if sub := a.sub(subName); sub != nil {
			return a, sub
		}
	}
	return nil, nil
}

func store1(out Document, a *attr, v any) error {
	w, err := a.normalise(v)
	if err != nil || w == nil {
		return err
	}
	if old := value(out, a); old != nil && !equal(old, w) {
		return bad(msgBody, "Attribute %s is given twice, with different values.", a.path)
	}
	setValue(out, a, w)
	return nil
}

func unknown(name string) error {
	if rejectUnknown {
		return bad(msgUnknown, "Attribute %s is not defined.", name)
	}
	return nil
}

// normalise converts one value of the attribute, a list where it is
// multi-valued. The result is nil for a value that means nothing.
func (a *attr) normalise(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !a.MultiValued {
		// Some clients send a single value in a list of one.
		if l, ok := v.([]any); ok {
			if len(l) == 0 {
				return nil, nil
			}
			return nil, bad(msgType, "Attribute %s takes one value, not a list.", a.path)
		}
		return a.normaliseOne(v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	for _, x := range list {
		w, err := a.normaliseOne(x)
		if err != nil {
			return nil, err
		}
		if w != nil {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func (a *attr) normaliseOne(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if a.complex() {
		return a.normaliseComplex(v)
	}
	ok := false
	switch a.Type {
	case schema.TypeBoolean:
		_, ok = v.(bool)
	case schema.TypeInteger:
		v, ok = integer(v)
	case schema.TypeDecimal:
		v, ok = decimal(v)
	case schema.TypeDateTime:
		v, ok = dateTime(v)
	case schema.TypeBinary:
		ok = isBase64(v)
	default:
		_, ok = v.(string)
	}
	if !ok {
		return nil, bad(msgType, "Attribute %s must be of type %s.", a.path, a.Type)
	}
	return v, nil
}

func (a *attr) normaliseComplex(v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, bad(msgType, "Attribute %s must be an object.", a.path)
	}
	if a.subs == nil { // declared without sub-attributes: any object
		return clone(m), nil
	}
	out := make(map[string]any, len(m))
	var few [16]string
	for _, name := range appendKeys(few[:0], m) {
		sub := a.sub(name)
		if sub == nil {
			if err := unknown(a.path + "." + name); err != nil {
				return nil, err
			}
			continue
		}
		w, err := sub.normalise(m[name])
		if err != nil {
			return nil, err
		}
		if w != nil {
			out[sub.Name] = w
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// normaliseSchemas checks the URNs that a document names and spells them as
// declared. What is missing is added when the document is complete.
func (ti *typeInfo) normaliseSchemas(doc Document) error {
	var out []any
	for _, v := range elements(doc["schemas"]) {
		urn, _ := v.(string)
		set := ti.named(urn)
		switch {
		case set == ti.core:
			urn = ti.rt.Core.ID
		case set != nil:
			urn = set.urn
		case acceptCustomSchemas && !ti.plain() && strings.Contains(strings.ToLower(urn), ":extension:custom:"):
			continue
		default:
			return bad(msgSchema, "Schema %q does not belong to resource type %s.", urn, ti.rt.Name)
		}
		if !slices.Contains(out, any(urn)) {
			out = append(out, urn)
		}
	}
	if len(out) == 0 {
		delete(doc, "schemas")
		return nil
	}
	doc["schemas"] = out
	return nil
}

// completeSchemas makes schemas name the core schema, those named before, and
// the extensions that are present, in declared order.
func (ti *typeInfo) completeSchemas(doc Document) {
	named := elements(doc["schemas"])
	list := []any{ti.rt.Core.ID}
	for _, x := range ti.exts {
		if _, ok := doc[x.urn]; ok || slices.Contains(named, any(x.urn)) {
			list = append(list, x.urn)
		}
	}
	doc["schemas"] = list
}

func sortedKeys(m map[string]any) []string { return appendKeys(make([]string, 0, len(m)), m) }

// appendKeys appends the names of an object in order to an empty list.
func appendKeys(keys []string, m map[string]any) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// integer accepts whole numbers within 64 bits, written in any way.
func integer(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v, true
		}
		f, err := v.Float64()
		if err != nil {
			return nil, false
		}
		return integer(f) // 1e3 and 5.0 are whole numbers, too
	case float64:
		if v != math.Trunc(v) || math.Abs(v) >= 1<<53 {
			return nil, false
		}
		return json.Number(strconv.FormatInt(int64(v), 10)), true
	case int:
		return json.Number(strconv.Itoa(v)), true
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), true
	}
	return nil, false
}

func decimal(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		_, err := strconv.ParseFloat(v.String(), 64)
		return v, err == nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, false
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), true
	}
	return integer(v)
}

// timeLayout is how the service writes times: UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func dateTime(v any) (any, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
		return nil, false
	}
	return formatTime(t), true
}

func isBase64(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	if _, err := base64.StdEncoding.DecodeString(s); err == nil {
		return true
	}
	_, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil
}
