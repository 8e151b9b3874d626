package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
)

// The walk goes through RFC 7644 section 3, its section 4, and what RFC 7643
// says of behaviour, one test a paragraph. A paragraph that is not met has a
// test of what happens in its place, says so in notMet, and is listed in
// docs/emulator.md; a test compares both lists.

// paragraph is one statement of an RFC and its test, on a service of its own.
type paragraph struct {
	at     string // "7644-3.5.2.3"
	says   string
	notMet string
	test   func(*walk)
}

func paragraphs() []paragraph {
	return slices.Concat(walkCreate(), walkQuery(), walkFilter(), walkReplace(), walkPatch(), walkBulk(), walkRest(), walkSchema())
}

// walk is a fixture that speaks plain SCIM.
type walk struct{ *fixture }

func TestRFCWalk(t *testing.T) {
	for _, p := range paragraphs() {
		t.Run(p.at+" "+p.says, func(t *testing.T) {
			p.test(&walk{start(t, func(o *Options) { o.BulkMaxOperations, o.MaxPayload = 5, 8192 })})
		})
	}
}

// TestRFCWalkIsWhole: every section with something to do on the server's side
// has a paragraph, and none is there twice.
func TestRFCWalkIsWhole(t *testing.T) {
	seen, sections := map[string]bool{}, map[string]bool{}
	for _, p := range paragraphs() {
		if seen[p.at+p.says] {
			t.Errorf("%s %s is there twice", p.at, p.says)
		}
		seen[p.at+p.says], sections[p.at] = true, true
	}
	for _, s := range strings.Fields(`
		7644-3.1 7644-3.2 7644-3.3 7644-3.3.1 7644-3.4.1 7644-3.4.2 7644-3.4.2.1 7644-3.4.2.2 7644-3.4.2.3 7644-3.4.2.4
		7644-3.4.2.5 7644-3.4.3 7644-3.5 7644-3.5.1 7644-3.5.2 7644-3.5.2.1 7644-3.5.2.2 7644-3.5.2.3 7644-3.6 7644-3.7
		7644-3.7.1 7644-3.7.2 7644-3.7.3 7644-3.7.4 7644-3.8 7644-3.9 7644-3.10 7644-3.11 7644-3.12 7644-3.13 7644-3.14
		7644-4 7643-2.1 7643-2.2 7643-2.3 7643-2.4 7643-2.5 7643-3 7643-3.1 7643-3.3 7643-4.1 7643-4.2 7643-4.3 7643-5
		7643-6 7643-7`) {
		if !sections[s] {
			t.Errorf("section %s has no test", s)
		}
	}
}

// TestRFCWalkDocumented: what is not met is what the documentation says.
func TestRFCWalkDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "emulator.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n### What of the RFCs is not met\n")
	text, _, _ = strings.Cut(text, "\n#")
	var documented, want []string
	for _, m := range regexp.MustCompile(`(?m)^\| RFC (\d+) section ([\d.]+) \| (.+?) \| (.+?) \|$`).FindAllStringSubmatch(text, -1) {
		documented = append(documented, m[1]+"-"+m[2]+": "+m[3]+": "+m[4])
	}
	for _, p := range paragraphs() {
		if p.notMet != "" {
			want = append(want, p.at+": "+p.says+": "+p.notMet)
		}
	}
	slices.Sort(documented)
	slices.Sort(want)
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("docs/emulator.md (-code +docs):\n%s", diff)
	}
}

// call sends a request below the base; body is JSON text.
func (w *walk) call(method, path, body string, headers ...string) answer {
	w.t.Helper()
	if body == "" {
		return w.do(method, scimBase+path, nil, headers...)
	}
	return w.do(method, scimBase+path, body, headers...)
}

func (w *walk) get(path string, headers ...string) answer {
	w.t.Helper()
	return w.want(w.call(http.MethodGet, path, "", headers...), http.StatusOK)
}

func userBody(name, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"schemas":["` + urnUser + `"],"userName":"` + name + `"` + more + `}`
}

func groupBody(name, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `"` + more + `}`
}

// user makes a user and answers its path.
func (w *walk) user(name, more string) string {
	w.t.Helper()
	return "/Users/" + w.id(w.want(w.call(http.MethodPost, "/Users", userBody(name, more)), http.StatusCreated))
}

func (w *walk) group(name, more string) string {
	w.t.Helper()
	return "/Groups/" + w.id(w.want(w.call(http.MethodPost, "/Groups", groupBody(name, more)), http.StatusCreated))
}

func (w *walk) id(a answer) string { id, _ := a.doc["id"].(string); return id }

func idIn(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// patch sends operations and answers what came back.
func (w *walk) patch(path string, ops ...string) answer {
	w.t.Helper()
	return w.call(http.MethodPatch, path, `{"schemas":["`+urnPatch+`"],"Operations":[`+strings.Join(ops, ",")+`]}`)
}

// patched sends operations that must succeed.
func (w *walk) patched(path string, ops ...string) answer {
	w.t.Helper()
	return w.want(w.patch(path, ops...), http.StatusOK)
}

// fails checks an error of RFC 7644 section 3.12.
func (w *walk) fails(a answer, status int, scimType string) {
	w.t.Helper()
	got, _ := a.doc["scimType"].(string)
	if a.status != status || got != scimType || a.doc["status"] != fmt.Sprint(status) {
		w.t.Errorf("got %d %s, want %d with scimType %q", a.status, a.raw, status, scimType)
	}
	w.same(a.doc["schemas"], `["`+urnError+`"]`)
	if ct := a.header.Get("Content-Type"); ct != contentSCIM {
		w.t.Errorf("Content-Type %q of an error", ct)
	}
}

// same compares a value with JSON text.
func (w *walk) same(got any, want string) {
	w.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		w.t.Fatalf("%s: %v", want, err)
	}
	if diff := cmp.Diff(v, got); diff != "" {
		w.t.Errorf("(-want +got):\n%s", diff)
	}
}

// at follows names and numbers through a document; nil where nothing is.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// names are the userNames, or displayNames of groups, that a list has.
func names(a answer) string {
	var out []string
	list, _ := a.doc["Resources"].([]any)
	for _, x := range list {
		name, ok := at(x, "userName").(string)
		if !ok {
			name, _ = at(x, "displayName").(string)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// find answers the names that a filter on a path selects, in order of creation.
func (w *walk) find(path, filter string) string {
	w.t.Helper()
	return names(w.get(path + "?filter=" + url.QueryEscape(filter)))
}

// finds checks filters on users: what each selects.
func (w *walk) finds(want map[string]string) {
	w.t.Helper()
	for filter, names := range want {
		if got := w.find("/Users", filter); got != names {
			w.t.Errorf("%s: found %q, want %q", filter, got, names)
		}
	}
}

// userToken signs in as a user with the password of signIn.
func (w *walk) userToken(name string) string {
	w.t.Helper()
	a := w.want(w.tokenCall(oauth.TokenPath, "grant_type", "password", "username", name, "password", "Example-Passw0rd",
		"scope", oauth.ScopeMyScopes), http.StatusOK)
	token, _ := a.doc["access_token"].(string)
	return "Bearer " + token
}
