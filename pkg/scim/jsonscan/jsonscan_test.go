package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// paths are what the tests pick.
func paths() [][]string {
	return [][]string{
		{"id"}, {"name", "familyName"}, {"name"}, {"urn:x:extension:y", "manager", "value"}, {"emails"}, {"active"},
	}
}

func TestPick(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // "" for what is not there
		odd        bool
	}{
		{"nothing", `{}`, []string{"", "", "", "", "", ""}, false},
		{"all", `{"id":"1","name":{"familyName":"A","x":[{"id":2}]},"urn:x:extension:y":{"manager":{"value":"m"}},"emails":[{"value":"e"}],"active":true}`, []string{`"1"`, `"A"`, `{"familyName":"A","x":[{"id":2}]}`, `"m"`, `[{"value":"e"}]`, `true`}, false},
		{"other spellings", `{"ID":"1","NAME":{"FamilyName":"A"},"URN:X:extension:Y":{"MANAGER":{"Value":null}}}`, []string{`"1"`, `"A"`, `{"FamilyName":"A"}`, `null`, "", ""}, false},
		{"white space", " {\n\t\"id\" : -1.5e+3 ,\r\n \"name\" : { \"familyName\" : [ ] } } ", []string{`-1.5e+3`, `[ ]`, `{ "familyName" : [ ] }`, "", "", ""}, false},
		{"path through a text", `{"name":"A"}`, []string{"", "", `"A"`, "", "", ""}, false},
		{"path through a list", `{"name":[{"familyName":"A"}]}`, []string{"", "", `[{"familyName":"A"}]`, "", "", ""}, false},
		{"deeper namesakes", `{"x":{"id":"1"},"y":[{"id":"2"},["id"]]}`, []string{"", "", "", "", "", ""}, false},
		{"twice", `{"id":"1","id":"2"}`, nil, true},
		{"twice, two spellings", `{"id":"1","Id":"2"}`, nil, true},
		{"twice below", `{"name":{"familyName":"1","FAMILYNAME":"2"}}`, nil, true},
		{"twice, but nobody asks", `{"x":1,"x":2,"id":3}`, []string{"3", "", "", "", "", ""}, false},
		{"escaped name", `{"\u0069d":"1"}`, nil, true},
		{"not UTF-8", "{\"x\":\"\xff\"}", nil, true},
		{"not UTF-8 after plain text", "{\"x\":[\"0123456789abcdef\",\"0123456\xe4\"]}", nil, true},
		{"lone half of a pair", `{"id":"\ud800"}`, []string{`"\ud800"`, "", "", "", "", ""}, false},
	}
	fresh := func() *Picker { return NewPicker(paths()...) }
	used := fresh() // has seen all the others
	for range 2 {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				for _, p := range []*Picker{fresh(), used} {
					out := make([]Span, len(paths()))
					end, odd := p.Pick([]byte(tt.text), Space([]byte(tt.text), 0), out)
					if end < 0 || strings.TrimSpace(tt.text[end:]) != "" || odd != tt.odd {
						t.Fatalf("Pick = %d, odd %v; want the whole of %d bytes, odd %v", end, odd, len(tt.text), tt.odd)
					}
					if tt.odd {
						continue
					}
					var got []string
					for _, s := range out {
						got = append(got, string(s.Of([]byte(tt.text))))
					}
					if d := cmp.Diff(tt.want, got); d != "" {
						t.Errorf("-want +got\n%s", d)
					}
				}
			})
		}
	}
}

func TestPickRefuses(t *testing.T) {
	used := NewPicker(paths()...)
	out := make([]Span, len(paths()))
	for range 20 { // learn what the texts below nearly are
		if end, _ := used.Pick([]byte(`{"id":true,"name":{"familyName":"A"},"x":[1,2]}`), 0, out); end < 0 {
			t.Fatal("not an object")
		}
	}
	for _, text := range []string{
		``, `[]`, `"x"`, `null`, `{`, `{"id"`, `{"id":`, `{"id":true`, `{"id":truex}`, `{"id":tru}`, `{"id":true,}`, `{"id":true "x":1}`,
		`{"id":true,"name":{"familyName":"A"}`, `{"id":true,"name":{"familyName":"A"},"x":[1,2}`, `{"id":01}`, `{"id":1.}`, `{"id":.5}`,
		`{"id":1e}`, `{"id":-}`, `{"id":+1}`, `{"id":"` + "\n" + `"}`, `{"id":"\x"}`, `{"id":"\u12g4"}`, `{"id":"\`, `{'id':1}`, `{id:1}`,
		`{"x":[1,]}`, `{"x":[,1]}`, `{"x":[1 2]}`, `{"x":{]}`, "\xef\xbb\xbf{}", `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`,
	} {
		for _, p := range []*Picker{used, NewPicker(paths()...)} {
			if end, _ := p.Pick([]byte(text), 0, out); end >= 0 {
				t.Errorf("Pick(%.60q) = %d, want -1", text, end)
			}
		}
	}
}

// A service that sends ever new names must not fill the memory.
func TestPickerForgets(t *testing.T) {
	p := NewPicker([]string{"id"})
	out := make([]Span, 1)
	for i := range 3 * maxLearned {
		text, err := json.Marshal(map[string]any{"x" + string(rune('0'+i%10)) + strings.Repeat("y", i%97) + string(rune(0x4e00+i)): 1, "ID": i})
		if err != nil {
			t.Fatal(err)
		}
		if end, odd := p.Pick(text, 0, out); end != len(text) || odd || out[0].End == 0 {
			t.Fatalf("%s: end %d, odd %v, id at %v", text, end, odd, out[0])
		}
	}
	if p.learned > maxLearned {
		t.Errorf("%d names are remembered, want at most %d", p.learned, maxLearned)
	}
}

// FuzzPick: an object is one exactly where encoding/json finds one, and the
// members are those that it decodes, for a picker that is new and for one that
// has seen other objects.
func FuzzPick(f *testing.F) {
	f.Add([]byte(user), []byte(strings.Replace(user, "Ada", "Eve", 2)))
	f.Add([]byte(`{"id":"1","name":{"familyName":"a\u00e9\ud83d\ude00\n"}}`), []byte(` {"ID" : 12 , "Name":{ } }`))
	f.Add([]byte(`{"id":1,"x":[1,{"a":[]},null]}`), []byte(`{"id":12,"x":[1,{"a":[]},null],"id":3}`))
	f.Add([]byte(`{"active":true}`), []byte(`{"active":truee}`))
	f.Add([]byte("{\"\xff\":\"\xff\"}"), []byte(`{"a":1E400,"b":-0.0e-7}`))
	f.Add([]byte(`<html>`), []byte(`{"a":"`+strings.Repeat(`\"`, 20)+`"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p := NewPicker(paths()...)
		for _, text := range [][]byte{a, b, a, a, b, b} {
			compare(t, p, text)
		}
	})
}

func compare(t *testing.T, p *Picker, text []byte) {
	t.Helper()
	out := make([]Span, len(paths()))
	start := Space(text, 0)
	end, odd := p.Pick(text, start, out)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var want map[string]json.RawMessage
	err := dec.Decode(&want)
	if end < 0 {
		if err == nil && want != nil && depth(text) <= maxDepth {
			t.Fatalf("%q is refused, encoding/json takes it", text)
		}
		return
	}
	if err != nil || int64(end) != dec.InputOffset() {
		t.Fatalf("%q: end %d, encoding/json %d, %v", text, end, dec.InputOffset(), err)
	}
	if !odd && !utf8.Valid(text[start:end]) {
		t.Fatalf("%q is not UTF-8 and not odd", text)
	}
	if odd {
		return
	}
	for i, path := range paths() {
		got := out[i].Of(text)
		want, ok := find(text[start:end], path)
		if !ok {
			if got != nil {
				t.Fatalf("%q: %v = %q, want nothing", text, path, got)
			}
			continue
		}
		if !bytes.Equal(want, got) {
			t.Fatalf("%q: %v = %q, want %q", text, path, got, want)
		}
	}
}

// find is Pick by way of encoding/json.
func find(object []byte, path []string) ([]byte, bool) {
	for _, name := range path {
		var m map[string]json.RawMessage
		if json.Unmarshal(object, &m) != nil || m == nil {
			return nil, false
		}
		found := false
		for k, v := range m {
			if len(k) == len(name) && strings.EqualFold(k, name) {
				object, found = v, true
			}
		}
		if !found {
			return nil, false
		}
	}
	return object, true
}

// depth is how deep the first value of a text is nested.
func depth(text []byte) int {
	dec := json.NewDecoder(bytes.NewReader(text))
	deepest, at := 0, 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			at++
		case json.Delim('}'), json.Delim(']'):
			at--
		}
		deepest = max(deepest, at)
		if at == 0 {
			return deepest
		}
	}
}

// FuzzText: strings are decoded as encoding/json decodes them.
func FuzzText(f *testing.F) {
	for _, s := range []string{`""`, `"a"`, `"\u00e9\ud83d\ude00"`, `"\ud83d\u0041\udc00"`, `"\ud83d"`, `"\/\b\f\n\r\t\\\""`, "\"\xff\xe2\x82\"", `"a" `, `1`, `"`, "\"\x00\"", "\"\u2028\ufffd\x7f\"", `"\u0000\uD800\uDFFF"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, literal []byte) {
		var want string
		// A literal is the string alone, and null is none.
		ok := len(literal) > 0 && literal[0] == '"' && literal[len(literal)-1] == '"' && json.Unmarshal(literal, &want) == nil
		got, gotOK := AppendText([]byte("x"), literal)
		if gotOK != ok || string(got) != "x"+want {
			t.Fatalf("AppendText(%q) = %q, %v; want %q, %v", literal, got, gotOK, "x"+want, ok)
		}
		if plain, isPlain := Plain(literal); isPlain && (!ok || string(plain) != want) {
			t.Fatalf("Plain(%q) = %q, want %q", literal, plain, want)
		}
	})
}
