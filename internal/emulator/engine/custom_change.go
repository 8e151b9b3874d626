package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Room for custom attributes by kind (idcs-behaviour 2.5): texts that filters
// may name, long and of 40 characters; other texts; integers.
const (
	customLong     = 84
	customShort    = 5
	customPlain    = 36 + 15
	customIntegers = 20
	// customShortLength is the longest text of the short kind,
	// maxCustomLength that of the long one.
	customShortLength = 40
	maxCustomLength   = 4000
)

// What no source says of the definition of a custom attribute.
const (
	// maxCustomName and maxCustomLabel bound name and idcsDisplayName.
	maxCustomName  = 30
	maxCustomLabel = 120
	// maxPattern bounds idcsuiRegexp.
	maxPattern = 1000
)

// customTypes are the types that a custom attribute can have. Which ones the
// service has besides texts and integers is a guess.
func customTypes() []schema.Type {
	return []schema.Type{schema.TypeString, schema.TypeInteger, schema.TypeBoolean, schema.TypeDecimal, schema.TypeDateTime}
}

// changeSchema stores a schema that was changed. Only the custom one can be.
func changeSchema(tx *Tx, id string, old, doc Document) error {
	if !strings.EqualFold(id, customURN) {
		return fail(http.StatusNotImplemented, "", msgNotImplemented,
			"Schema %s cannot be changed in the emulator; custom attributes belong into %s.", id, customURN)
	}
	present := map[string]map[string]any{}
	for _, x := range elements(old["attributes"]) {
		m := asMap(x)
		name, _ := m["name"].(string)
		present[strings.ToLower(name)] = m
	}
	var defs []any
	var attrs []*schema.Attribute
	seen := map[string]bool{}
	for _, x := range elements(doc["attributes"]) {
		def, a, err := customAttribute(asMap(x))
		if err != nil {
			return err
		}
		key := strings.ToLower(a.Name)
		if seen[key] {
			return fail(http.StatusConflict, scimUniqueness, msgDuplicate, "There are two custom attributes %s.", a.Name)
		}
		if was := present[key]; was != nil && (was["type"] != def["type"] || was["multiValued"] != def["multiValued"] && def["multiValued"] != nil) {
			return fail(http.StatusBadRequest, scimMutability, msgImmutable,
				"The type of custom attribute %s cannot be changed; remove the attribute, and its values with it, and define it anew.", a.Name)
		}
		seen[key] = true
		defs, attrs = append(defs, def), append(attrs, a)
	}
	if err := customRoom(attrs); err != nil {
		return err
	}
	data, err := json.Marshal(defs)
	if err != nil {
		return err
	}
	if err := tx.st.SetValue(customName, data); err != nil {
		return err
	}
	tx.custom = nil
	var gone []string
	for key, m := range present {
		if name, _ := m["name"].(string); !seen[key] {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	if err := tx.dropCustomValues(gone); err != nil {
		return err
	}
	ti, err := tx.info("Schema")
	if err != nil {
		return err
	}
	return tx.audit(&Change{Tx: tx, Type: "Schema", ID: customURN, Old: old, New: doc, ti: ti}, "update", old, doc)
}

// customRoom refuses more attributes of a kind than the service has room for.
func customRoom(attrs []*schema.Attribute) error {
	var long, short, plain, integers int
	for _, a := range attrs {
		switch {
		case a.Type == schema.TypeInteger:
			integers++
		case a.Type == schema.TypeString && !a.Searchable:
			plain++
		case a.Type == schema.TypeString && a.MaxLength <= customShortLength:
			short++
		case a.Type == schema.TypeString:
			long++
		}
	}
	// A short text fits in the room of a long one, too.
	long += max(0, short-customShort)
	for _, kind := range []struct {
		have, room int
		what       string
	}{
		{long, customLong, "searchable texts"},
		{plain, customPlain, "texts that are not searchable"},
		{integers, customIntegers, "integers"},
	} {
		if kind.have > kind.room {
			return bad(msgBody, "There are %d custom attributes that are %s, more than the %d that the service has room for.", kind.have, kind.what, kind.room)
		}
	}
	return nil
}

// customAttribute reads and checks the definition of a custom attribute. What
// it leaves open are guesses: a searchable text of at most 4000 characters.
func customAttribute(m map[string]any) (map[string]any, *schema.Attribute, error) {
	m = maps1(m)
	for name, v := range map[string]any{
		"type": string(schema.TypeString), "idcsSearchable": true, "idcsMaxLength": json.Number(formatInt(maxCustomLength)),
	} {
		setIfAbsent(m, name, v)
	}
	if m["type"] != any(string(schema.TypeString)) {
		delete(m, "idcsMaxLength")
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, nil, err
	}
	a := &schema.Attribute{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, nil, bad(msgBody, "The definition of a custom attribute is not valid.")
	}
	if !validCustomName(a.Name) {
		return nil, nil, bad(msgBody, "A custom attribute cannot be named %q: a name has letters, digits and underscores, "+
			"begins with a letter and is at most %d characters long.", a.Name, maxCustomName)
	}
	if !slices.Contains(customTypes(), a.Type) {
		return nil, nil, bad(msgBody, "Custom attribute %s cannot be of type %s.", a.Name, a.Type)
	}
	if n := utf8.RuneCountInString(a.DisplayName); n > maxCustomLabel {
		return nil, nil, bad(msgTooLong, "The idcsDisplayName of custom attribute %s has %d characters, more than its limit of %d.", a.Name, n, maxCustomLabel)
	}
	if a.Type == schema.TypeString {
		if a.MaxLength < 1 || a.MaxLength > maxCustomLength {
			return nil, nil, bad(msgRange, "The idcsMaxLength of custom attribute %s must lie between 1 and %d.", a.Name, maxCustomLength)
		}
		if a.MinLength < 0 || a.MinLength > a.MaxLength {
			return nil, nil, bad(msgRange, "The idcsMinLength of custom attribute %s must lie between 0 and its idcsMaxLength, %d.", a.Name, a.MaxLength)
		}
	}
	if err := checkPattern(a); err != nil {
		return nil, nil, err
	}
	return m, a, nil
}

// checkPattern refuses a regular expression that cannot be used.
func checkPattern(a *schema.Attribute) error {
	if a.Pattern == "" {
		return nil
	}
	if a.Type != schema.TypeString {
		return bad(msgBody, "Custom attribute %s is no text: it cannot have a regular expression.", a.Name)
	}
	if n := utf8.RuneCountInString(a.Pattern); n > maxPattern {
		return bad(msgTooLong, "The idcsuiRegexp of custom attribute %s has %d characters, more than its limit of %d.", a.Name, n, maxPattern)
	}
	if _, err := compilePattern(a.Pattern); err != nil {
		return bad(msgBody, "The idcsuiRegexp of custom attribute %s is no regular expression: %s.", a.Name, err)
	}
	return nil
}

func validCustomName(name string) bool {
	if name == "" || len(name) > maxCustomName {
		return false
	}
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return true
}

// compilePattern makes a regular expression match whole values. That it does,
// and that the dialect is RE2, is a guess.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	// Alone first: what closes a group that it did not open must not close
	// the one around it.
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// dropCustomValues removes the values of attributes that are defined no more
// from all users. Kept, they would come back with another meaning when the name
// is used again. That the service removes them is a guess.
func (tx *Tx) dropCustomValues(names []string) error {
	if len(names) == 0 {
		return nil
	}
	ti, err := tx.fullInfo(customType)
	if err != nil {
		return err
	}
	for row, err := range tx.st.Query(store.Query{Type: customType}) {
		if err != nil {
			return err
		}
		// Most users have none of them, and are not decoded.
		if !slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(row.Data, []byte(`"`+name+`"`)) }) {
			continue
		}
		if err := tx.dropValues(ti, row.Record, names); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropValues(ti *typeInfo, rec store.Record, names []string) error {
	doc, err := decode(rec.Data)
	if err != nil {
		return fmt.Errorf("%s %s: %w: %w", rec.Type, rec.ID, store.ErrCorrupt, err)
	}
	values := asMap(doc[customURN])
	found := false
	for _, name := range names {
		if _, ok := values[name]; ok {
			delete(values, name)
			found = true
		}
	}
	if !found {
		return nil
	}
	if len(values) == 0 {
		delete(doc, customURN)
		doc["schemas"] = slices.DeleteFunc(elements(doc["schemas"]), func(x any) bool { return x == any(customURN) })
	}
	ti.completeSchemas(doc)
	version := tx.e.opts.NewID()
	setMeta(doc, ti, rec.Created, tx.now, version)
	next, err := ti.record(rec.ID, doc, version, rec.Created, tx.now)
	if err != nil {
		return err
	}
	return tx.st.Put(next)
}
