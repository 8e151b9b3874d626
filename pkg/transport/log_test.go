package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRedact(t *testing.T) {
	const jsonType, form = "application/scim+json; charset=utf-8", "application/x-www-form-urlencoded"
	for _, tt := range []struct{ name, typ, in, want string }{
		{"member", jsonType, `{"userName":"ada","password":"pw"}`, `{"password":"[redacted]","userName":"ada"}`},
		{"case and separators", jsonType, `{"Client-Secret":"x","ONE_TIME_PASSWORD":1}`, `{"Client-Secret":"[redacted]","ONE_TIME_PASSWORD":"[redacted]"}`},
		{"escaped name", jsonType, `{"p\u0061ssword":"x"}`, `{"password":"[redacted]"}`},
		{"null and booleans tell nothing", jsonType, `{"password":null,"userToken":true}`, `{"password":null,"userToken":true}`},
		{"whole containers", jsonType, `{"credentials":{"a":["x"]}}`, `{"credentials":"[redacted]"}`},
		{"deep", jsonType, `[{"a":[{"trustToken":{"x":"y"}}]}]`, `[{"a":[{"trustToken":"[redacted]"}]}]`},
		{"extension is looked into", jsonType, `{"urn:x:passwordState:User":{"locked":1,"otp":"2"}}`, `{"urn:x:passwordState:User":{"locked":1,"otp":"[redacted]"}}`},
		{"patch", jsonType, `{"Operations":[{"op":"replace","path":"urn:x:User:password","value":"v"},{"path":"title","value":"t"}]}`, `{"Operations":[{"op":"replace","path":"urn:x:User:password","value":"[redacted]"},{"path":"title","value":"t"}]}`},
		{"links in text", jsonType, `{"body":"see https://idcs.example.com/ui?token=abcdef&user=1"}`, `{"body":"see https://idcs.example.com/ui?token=[redacted]&user=1"}`},
		{"jwt in text", jsonType, `{"note":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}`, `{"note":"[redacted]"}`},
		{"bearer in text", jsonType, `{"note":"Authorization: Bearer abcdefgh123"}`, `{"note":"Authorization: Bearer [redacted]"}`},
		{"ordinary codes", jsonType, `{"postalCode":"8000","token_type":"Bearer"}`, `{"postalCode":"8000","token_type":"Bearer"}`},
		{"numbers stay exact", jsonType, `{"n":12345678901234567890}`, `{"n":12345678901234567890}`},
		{"form", form, "grant_type=password&username=ada&pass%77ord=pw&scope=a+b", "grant_type=password&password=%5Bredacted%5D&scope=a+b&username=ada"},
		{"malformed form", form, "password=%zz", "[12 bytes of a malformed form]"},
		{"malformed json", jsonType, `{"password":"x"`, "[15 bytes of application/scim+json]"},
		{"two documents", jsonType, `{} {"password":"x"}`, "[19 bytes of application/scim+json]"},
		{"other types", "text/csv", "password\nx", "[10 bytes of text/csv]"},
		{"no type", "", `{"code":"1"}`, `{"code":"[redacted]"}`},
		{"empty", jsonType, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Redact(tt.typ, []byte(tt.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzRedact puts a secret under a secret name somewhere in a document of any
// shape and looks for it in what comes out.
func FuzzRedact(f *testing.F) {
	f.Add("password", "hunter22-x", "userName", "ada", uint8(0))
	f.Add("access_token", "AbCdEfGh1", "urn:a:b", "x", uint8(1))
	f.Add("One-Time-Password", "99999999", "path", "password", uint8(2))
	f.Add("code", "\"\\<>&\u2028é-secret", "a", "eyJ", uint8(3))
	f.Add("client_assertion", "x y=z&token=q;w", "?token=", "Bearer ", uint8(4))
	f.Fuzz(func(t *testing.T, name, secret, otherName, other string, shape uint8) {
		if len(secret) < 8 || !utf8.ValidString(secret) || !isSecretName(name) || strings.Contains(redacted, secret) ||
			strings.Contains(name, secret) || strings.Contains(otherName, secret) || strings.Contains(other, secret) ||
			name == otherName || !utf8.ValidString(name) || strings.HasPrefix(strings.ToLower(name), "urn:") {
			t.Skip()
		}
		var doc any
		contentType := "application/json"
		switch shape % 5 {
		case 0:
			doc = map[string]any{name: secret, otherName: other}
		case 1:
			doc = map[string]any{otherName: []any{other, map[string]any{name: []any{secret}}}}
		case 2:
			doc = []any{map[string]any{"op": "replace", "path": name, "value": secret, "x": other}}
		case 3:
			doc = map[string]any{name: map[string]any{otherName: map[string]any{"deep": secret}}}
		case 4:
			contentType = "application/x-www-form-urlencoded"
		}
		var body []byte
		if doc != nil {
			var err error
			if body, err = json.Marshal(doc); err != nil {
				t.Skip()
			}
		} else {
			body = []byte(url.Values{name: {secret}, otherName: {other}}.Encode())
		}
		out := Redact(contentType, body)
		escaped, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{secret, strings.Trim(string(escaped), `"`), url.QueryEscape(secret)} {
			if strings.Contains(out, form) {
				t.Errorf("Redact(%s, %q) = %q shows the secret", contentType, body, out)
			}
		}
	})
}

func TestLogShowsNoSecrets(t *testing.T) {
	calls := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session=cookie-secret")
		if calls == 1 {
			w.WriteHeader(503)
		}
		write(w, `{"id":"42","password":"answer-secret"}`)
	})
	for _, trace := range []bool{false, true} {
		t.Run(fmt.Sprintf("bodies=%v", trace), func(t *testing.T) {
			calls = 0
			var out bytes.Buffer
			c := newTestClient(t, Options{BaseURL: base, Logger: textLogger(&out), TraceBodies: trace, Tokens: staticSource{"token-secret"}})
			resp, err := c.Do(t.Context(), &Request{
				Method: "PUT", Path: "/Users/1", Query: url.Values{"filter": {"query-secret"}},
				Header: http.Header{"X-Key": {"header-secret"}}, Body: []byte(`{"userName":"ada","password":"body-secret"}`),
			})
			if err != nil || resp.Status != 200 || !strings.Contains(string(resp.Body), "answer-secret") {
				t.Fatalf("Do = %+v, %v", resp, err)
			}
			log := out.String()
			if strings.Contains(log, "-secret") {
				t.Errorf("the log shows a secret:\n%s", log)
			}
			for _, want := range []string{"path=/base/Users/1", "status=503", "status=200", "attempt=2", "method=PUT", "duration=", "request_id=" + resp.RequestID, "sent again"} {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
			if got := strings.Contains(log, "userName"); got != trace {
				t.Errorf("bodies shown: %v, want %v", got, trace)
			}
		})
	}
}

func TestInsecureSkipVerifyWarnsEachTime(t *testing.T) {
	var out bytes.Buffer
	for range 2 {
		newTestClient(t, Options{BaseURL: "https://idcs.example.com", Logger: textLogger(&out), TLS: TLSOptions{InsecureSkipVerify: true}})
	}
	if n := strings.Count(out.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings for 2 clients:\n%s", n, out.String())
	}
}

func TestRequestIDIsSetOnce(t *testing.T) {
	var ids []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("Opc-Request-Id"))
		if len(ids) == 1 {
			w.WriteHeader(503)
		}
	})
	c := newTestClient(t, Options{BaseURL: base})
	resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
	if err != nil || len(ids) != 2 || len(ids[0]) != 32 || ids[0] != ids[1] || resp.RequestID != ids[0] {
		t.Errorf("ids %q, answer %+v, %v", ids, resp, err)
	}
	if _, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x", Header: http.Header{"Opc-Request-Id": {"mine"}}}); err != nil || ids[2] != "mine" {
		t.Errorf("own id became %q, %v", ids[2], err)
	}
}
