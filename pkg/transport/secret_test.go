package transport

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

type xmlHolder struct{ S Secret }

func TestSecretNeverShows(t *testing.T) {
	const value = "s3cr3t-value"
	type holder struct {
		Secret  Secret
		Pointer *Secret
		Map     map[string]Secret
	}
	s := Secret(value)
	h := holder{Secret: s, Pointer: &s, Map: map[string]Secret{"k": s}}
	render := func(v any, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s", v)
	}
	var text, jsonLog bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "secret", s, "holder", h)
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("x", "secret", s, "holder", h)
	outputs := map[string]string{
		"json":      render(json.Marshal(h)),
		"xml":       render(xml.Marshal(xmlHolder{s})),
		"text log":  text.String(),
		"json log":  jsonLog.String(),
		"error":     fmt.Errorf("with %w and %v", fmt.Errorf("%v", s), h).Error(),
		"String":    s.String(),
		"GoString":  s.GoString(),
		"MarshalTe": render(s.MarshalText()),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T|%v"} {
		args := []any{s}
		if verb == "%T|%v" {
			args = []any{h, h}
		}
		outputs[verb] = fmt.Sprintf(verb, args...)
		outputs[verb+" in a struct"] = fmt.Sprintf(verb, append([]any{h}, args[1:]...)...)
	}
	for name, out := range outputs {
		for _, leak := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
			if strings.Contains(out, leak) {
				t.Errorf("%s shows the secret: %s", name, out)
			}
		}
		if !strings.Contains(out, "redacted") && !strings.HasPrefix(name, "%") {
			t.Errorf("%s does not say that something is left out: %s", name, out)
		}
	}
	if s.Reveal() != value {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}
