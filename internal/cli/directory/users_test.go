package directory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/scim"
)

func decode(t *testing.T, text string) scim.Document {
	t.Helper()
	doc, err := scim.DecodeDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestActivity(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 3, 9, 9, 0, 0, 0, zone)
	at := func(s string) scim.Document {
		doc := scim.Document{}
		if err := doc.Set(lastLogin, s); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	failed := func(doc scim.Document, s string) scim.Document {
		if err := doc.Set(lifecycle.AttrLastFailure, s); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	for _, tc := range []struct {
		name     string
		doc      scim.Document
		terminal bool
		format   output.Format
		want     string
	}{
		{"never", scim.Document{}, true, "", "never"},
		{"off terminal", at("2026-03-09T07:30:00.000Z"), false, "", "2026-03-09T07:30:00.000Z"},
		{"csv on terminal", at("2026-03-09T07:30:00.000Z"), true, output.CSV, "2026-03-09T07:30:00.000Z"},
		{"today", at("2026-03-09T07:30:00.000Z"), true, "", "today 08:30"},
		{"failed only", failed(scim.Document{}, "2026-03-09T07:30:00Z"), false, "", "2026-03-09T07:30:00Z"},
		{"failed later", failed(at("2026-03-09T07:30:00.000Z"), "2026-03-09T07:30:00.001Z"), false, "", "2026-03-09T07:30:00.001Z"},
		{"failed before", failed(at("2026-03-09T07:30:00.002Z"), "2026-03-09T08:30:00.001+01:00"), false, "", "2026-03-09T07:30:00.002Z"},
		{"failed at no time", failed(at("2026-03-09T07:30:00Z"), "later"), false, "", "2026-03-09T07:30:00Z"},
		{"yesterday, less than a day ago", at("2026-03-08T21:30:00.000Z"), true, "", "2026-03-08 22:30"},
		{"in the future", at("2026-03-09T09:30:00Z"), true, "", "2026-03-09 10:30"},
		{"no time", at("soon"), true, "", "soon"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			streams, _, _, _ := iostreams.Test()
			if tc.terminal {
				streams.SetTerminal(80)
			}
			d := &cmdutil.Deps{IO: streams, Clock: func() time.Time { return now }, Output: &output.Options{Format: tc.format}}
			if got := Activity(d, tc.doc); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestUserText(t *testing.T) {
	u := decode(t, `{"id":"1","userName":"ada","name":{"formatted":"Ada L"},"emails":[
		{"value":"b@example.com","type":"home"},{"value":"a@example.com","type":"work","primary":true},
		{"value":"a@example.com","type":"recovery"}],"phoneNumbers":[{"value":"+1","type":"work"},{"value":"+2"}]}`)
	got := []string{UserLabel(u), Email(u), otherEmails(u), phones(u), UserLabel(scim.Document{"userName": "x"})}
	want := []string{"Ada L", "a@example.com", "b@example.com (home)", "+1 (work), +2", "x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSearchTable: every attribute that search looks into is one of the
// published ones, spelt as there.
func TestSearchTable(t *testing.T) {
	for _, k := range []Kind{Users(), Groups()} {
		for _, list := range [][]string{k.Search, k.TableAttributes, k.Extra, {k.SortBy, k.KeyAttribute}} {
			for _, path := range list {
				if !k.Names.known(path) {
					t.Errorf("%s: unknown attribute %s", k.Plural, path)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	k := Users()
	for _, tc := range []struct {
		path, expanded string
		known          bool
	}{
		{"userName", "userName", true},
		{"USERNAME", "USERNAME", true},
		{"name.familyName", "name.familyName", true},
		{"name.nope", "name.nope", false},
		{"nope", "nope", false},
		{"department", EnterpriseURN + ":department", true},
		{"manager.value", EnterpriseURN + ":manager.value", true},
		{`emails[type eq "work"].value`, `emails[type eq "work"].value`, true},
		{`emails[type eq "work"].nope`, `emails[type eq "work"].nope`, false},
		{EnterpriseURN, EnterpriseURN, true},
		{EnterpriseURN + ":nope", EnterpriseURN + ":nope", false},
		{"urn:ietf:params:scim:schemas:core:2.0:User:title", "urn:ietf:params:scim:schemas:core:2.0:User:title", true},
		{"urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge", "urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge", true},
		{"", "", false},
		{"a b", "a b", false},
	} {
		if got := k.Expand(tc.path); got != tc.expanded {
			t.Errorf("Expand(%q) = %q, want %q", tc.path, got, tc.expanded)
		}
		if got := k.Names.known(k.Expand(tc.path)); got != tc.known {
			t.Errorf("known(%q) = %v, want %v", tc.path, got, tc.known)
		}
	}
	for path, want := range map[string]string{"active": "boolean", "emails.primary": "boolean", "title": "string", "emails": "", UserStateURN + ":maxConcurrentSessions": "integer"} {
		if got := k.Names.kind(path); got != want {
			t.Errorf("kind(%q) = %q, want %q", path, got, want)
		}
	}
}
