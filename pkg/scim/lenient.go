package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Int is an integer that reads a JSON number or the same digits as a string;
// services send either. It writes a number.
type Int int64

// UnmarshalJSON reads 200, 2e2, 200.0 and "200". null leaves the value alone.
func (i *Int) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	if s != "" && s[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		s = strings.TrimSpace(s)
	}
	n, ok := parseInt(s)
	if !ok {
		return fmt.Errorf("%q is not an integer", clean(s, 40))
	}
	*i = Int(n)
	return nil
}

func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -(1<<53) {
		return 0, false
	}
	return int64(f), true
}

// Kind is what UnmarshalExtra needs to know of a member.
type Kind uint8

// The kinds of a known member. KindUnknown members are kept as they came.
const (
	KindUnknown Kind = iota
	KindString
	KindBool
	KindInt
	KindOther
)

// UnmarshalExtra decodes a JSON object into v, a pointer to a struct without
// an UnmarshalJSON method of its own, and answers the members that v does not
// hold, so that MarshalExtra can write them again. kind tells what v has under
// a name in lower case.
//
// Numbers and booleans that came as strings are read all the same. A known
// member that is null or an empty string is also kept aside: the struct shows
// its zero value, and the difference survives a round trip.
func UnmarshalExtra(data []byte, v any, kind func(lower string) Kind) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	var extra map[string]json.RawMessage
	keep := func(name string, raw json.RawMessage) {
		if extra == nil {
			extra = make(map[string]json.RawMessage)
		}
		extra[name] = raw
	}
	changed := false
	for name, raw := range m {
		k := kind(strings.ToLower(name))
		empty := string(raw) == "null" || string(raw) == `""`
		switch {
		case k == KindUnknown || empty:
			keep(name, raw)
			delete(m, name)
			changed = true
		case (k == KindBool || k == KindInt) && raw[0] == '"':
			fixed, err := unquote(raw, k)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", clean(name, 80), err)
			}
			m[name] = fixed
			changed = true
		case k == KindString && raw[0] != '"' && raw[0] != '{' && raw[0] != '[':
			m[name] = json.RawMessage(strconv.Quote(string(raw)))
			changed = true
		}
	}
	if changed {
		var err error
		if data, err = json.Marshal(m); err != nil {
			return nil, err
		}
	}
	return extra, json.Unmarshal(data, v)
}

func unquote(raw json.RawMessage, k Kind) (json.RawMessage, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	s = strings.TrimSpace(s)
	if k == KindBool {
		switch {
		case strings.EqualFold(s, "true"):
			return json.RawMessage("true"), nil
		case strings.EqualFold(s, "false"):
			return json.RawMessage("false"), nil
		}
		return nil, fmt.Errorf("%q is not a boolean", clean(s, 40))
	}
	n, ok := parseInt(s)
	if !ok {
		return nil, fmt.Errorf("%q is not an integer", clean(s, 40))
	}
	return json.RawMessage(strconv.FormatInt(n, 10)), nil
}

// MarshalExtra encodes v, a struct without a MarshalJSON method of its own,
// and adds the members of extra that v did not write. Names compare without
// regard to case, so a field set after reading wins over what was kept.
func MarshalExtra(v any, extra map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	written := make(map[string]bool, len(m))
	for name := range m {
		written[strings.ToLower(name)] = true
	}
	// v's own members keep their order; the remainder follows, sorted.
	out := data[:len(data)-1]
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if written[strings.ToLower(name)] {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		out = append(append(out, quoted...), ':')
		out = append(out, extra[name]...)
	}
	return append(out, '}'), nil
}
