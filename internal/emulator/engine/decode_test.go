package engine

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode compares the decoder with encoding/json on what that writes.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		base, `{}`, `{"a":[],"b":{},"c":null,"d":[1,-2.5e+10,"\u00e9\n\"\\",true,false]}`, `{"a":1`, `{"a" 1}`, `[]`, `{"a":01}`,
		`{"a":"` + "\x01" + `"}`, `{"a":tru}`, `{"a":1}x`, `{"":""}`, ` { "a" : [ 1 , 2 ] } `, `{"a":"\ud800"}`, `{"a":-}`, `{"a":}`, `{"a":1,}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var want map[string]any
		dec := json.NewDecoder(bytes.NewReader(in))
		dec.UseNumber()
		if dec.Decode(&want) != nil || want == nil {
			_, _ = decode(in) // must not panic
			return
		}
		written, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(written)
		if err != nil {
			if bytes.Count(written, []byte("["))+bytes.Count(written, []byte("{")) > maxDepth {
				return
			}
			t.Fatalf("%s: %v", written, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestDecodeRefusesDamage(t *testing.T) {
	for _, s := range []string{``, `{`, `{"a":1`, `{"a" 1}`, `[]`, `{"a":01}`, `{"a":tru}`, `{"a":1}x`, `{"a":-}`, `{"a":}`, `{"a":1,}`, `{"a":"b`, `{"a":"\q"}`, `{"a":"\`, "{\"a\":\"\n\"}"} {
		if got, err := decode([]byte(s)); err == nil {
			t.Errorf("%s is read as %v", s, got)
		}
	}
}
