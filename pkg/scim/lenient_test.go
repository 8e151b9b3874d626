package scim

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInt(t *testing.T) {
	good := map[string]Int{`200`: 200, `"201"`: 201, `-5`: -5, `2e2`: 200, `200.0`: 200, `" 7 "`: 7, `null`: 42, `9007199254740993`: 9007199254740993}
	for in, want := range good {
		got := Int(42)
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("Int of %s = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{`""`, `"x"`, `1.5`, `1e400`, `true`, `{}`, `[]`, `1e17`} {
		var got Int
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("Int of %s = %d, want an error", in, got)
		}
	}
}

type lenient struct {
	Name   string                     `json:"name,omitzero"`
	Active *bool                      `json:"active,omitzero"`
	Count  *int64                     `json:"count,omitzero"`
	List   []string                   `json:"list,omitzero"`
	Extra  map[string]json.RawMessage `json:"-"`
}

func (l *lenient) UnmarshalJSON(b []byte) (err error) {
	type plain lenient
	var p plain
	p.Extra, err = UnmarshalExtra(b, &p, func(s string) Kind {
		return map[string]Kind{"name": KindString, "active": KindBool, "count": KindInt, "list": KindOther}[s]
	})
	*l = lenient(p)
	return err
}

func (l lenient) MarshalJSON() ([]byte, error) {
	type plain lenient
	return MarshalExtra(plain(l), l.Extra)
}

func TestExtra(t *testing.T) {
	tests := []struct {
		name, in, out string
		change        func(*lenient)
		wantErr       bool
	}{
		{"nothing", `{}`, `{}`, nil, false},
		{"known", `{"name":"a","active":false,"count":0,"list":[]}`, `{"name":"a","active":false,"count":0,"list":[]}`, nil, false},
		{"unknown kept", `{"zz":{"deep":[1,2]},"aa":1e2,"name":"a"}`, `{"name":"a","aa":1e2,"zz":{"deep":[1,2]}}`, nil, false},
		{"strings for numbers", `{"active":"TRUE","count":"7"}`, `{"active":true,"count":7}`, nil, false},
		{"number for a string", `{"name":7}`, `{"name":"7"}`, nil, false},
		{"null and empty kept", `{"name":"","active":null,"count":""}`, `{"active":null,"count":"","name":""}`, nil, false},
		{"set after reading wins", `{"Name":"","other":1}`, `{"name":"b","other":1}`, func(l *lenient) { l.Name = "b" }, false},
		{"case of names", `{"NAME":"a"}`, `{"name":"a"}`, nil, false},
		{"not a boolean", `{"active":"maybe"}`, ``, nil, true},
		{"not a number", `{"count":"many"}`, ``, nil, true},
		{"wrong shape", `{"name":{}}`, ``, nil, true},
		{"not an object", `[]`, ``, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l lenient
			err := json.Unmarshal([]byte(tt.in), &l)
			if (err != nil) != tt.wantErr {
				t.Fatalf("error = %v, want one: %v", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if tt.change != nil {
				tt.change(&l)
			}
			out, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.out, string(out)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}
