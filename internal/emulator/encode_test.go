package emulator

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
)

// byReflection is what encode must equal.
func byReflection(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.String(), err
}

func TestEncode(t *testing.T) {
	var every []byte
	for c := range 256 {
		every = append(every, byte(c))
	}
	for name, v := range map[string]any{
		"nil":        nil,
		"scalars":    []any{true, false, nil, "", "a", 1, int64(-2), json.Number("1.50e3"), json.Number(""), 2.5},
		"every byte": string(every),
		"runes":      "é 𠮷 \u2028\u2029 \ufffd <&>",
		"nested":     map[string]any{"b": map[string]any{}, "a": []any{}, "A": []any{map[string]any{"x": nil}}, "é\"": 1},
		"nil map":    map[string]any{"m": map[string]any(nil), "l": []any(nil)},
		"many names": func() map[string]any {
			m := map[string]any{}
			for i := range 60 {
				m[string(rune('A'+i))] = i
			}
			return m
		}(),
		"other slices": []string{"b", "a<"},
		"struct":       FaultState{Rule: "a", Matched: 1},
		"bad number":   map[string]any{"n": json.Number("1x")},
		"NaN":          []any{math.NaN()},
		"a channel":    make(chan int),
	} {
		t.Run(name, func(t *testing.T) {
			want, wantErr := byReflection(v)
			var b bytes.Buffer
			err := encode(&b, v)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, want %v", err, wantErr)
			}
			if err == nil && b.String() != want {
				t.Errorf("got  %s\nwant %s", b.String(), want)
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\u2028<\n",null,true,{"B":-0.1e9}]}`))
	f.Add([]byte(`"\u0000\u001f\\\""`))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseJSON(text)
		if err != nil {
			return
		}
		want, err := byReflection(v)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := encode(&b, v); err != nil || b.String() != want {
			t.Fatalf("got %q, %v, want %q", b.String(), err, want)
		}
	})
}
