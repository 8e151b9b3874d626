package jsonenc_test

import (
	"encoding/json"
	"testing"

	"github.com/idctl/idctl/internal/jsonenc"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{
		"", "ada", "Zürich", "a\"b", `a\b`, "<a&b>", "a\nb", "\x00", "\x7f", "\xff", "a\xc3", "\u2028", "x\u2029", "日本", "\U0001f600", "\ufffd",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonenc.AppendString([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q is written %s, want %s", s, got[1:], want)
		}
	})
}
