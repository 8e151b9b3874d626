package where_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/where"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// zone is two hours ahead, so that days are seen to be those of a zone.
func clock() time.Time {
	return time.Date(2026, 3, 9, 8, 7, 6, 0, time.FixedZone("east", 2*60*60))
}

func names(tb testing.TB, typ string) *where.Catalogue {
	tb.Helper()
	rt, ok := schemas.Default().Lookup(typ)
	if !ok {
		tb.Fatalf("no schema of %s", typ)
	}
	return where.NewCatalogue(rt, []where.Column{{Name: "Recent activity", Path: "ignored"}, {Name: "Email"}}, cmdutil.Similar)
}

const (
	ent   = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	state = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	ext   = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	own   = "urn:ietf:params:scim:schemas:idcs:extension:custom:User"
)

func TestParseUsers(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"column of a list", `recent-activity < 90d`, state + `:lastSuccessfulLoginDate gt "2025-12-09T06:07:06.000Z"`},
		{"bare extension attribute", `department=IT`, ent + `:department eq "IT"`},
		{"its part", `manager.displayName ~ "ada"`, ent + `:manager.displayName co "ada"`},
		{"dotted path", `name.familyName ^= Lo`, `name.familyName sw "Lo"`},
		{"path with URN", ent + `:costCenter $= 7`, ent + `:costCenter ew "7"`},
		{"URN that is not published", own + `:costCode = 42`, own + `:costCode eq "42"`},
		{"its truth", own + `:remote = true`, own + `:remote eq true`},
		{"its quoted truth", own + `:remote = "true"`, own + `:remote eq "true"`},
		{"its age", own + `:hired > 1d`, own + `:hired lt "2026-03-08T06:07:06.000Z"`},
		{"CSV column", `work-email = a@example.com`, `emails[type eq "work" and value eq "a@example.com"]`},
		{"CSV column in quotes", `"Work Email" ~ example`, `emails[type eq "work" and value co "example"]`},
		{"CSV column of the first generation", `workCity = Bern`, `addresses[type eq "work" and locality eq "Bern"]`},
		{"has a CSV column", `has mobileNo`, `phoneNumbers[type eq "mobile" and value pr]`},
		{"value of a complex attribute", `emails $= @example.com`, `emails.value ew "@example.com"`},
		{"case of names", `DEPARTMENT = IT AND Active`, ent + `:department eq "IT" and active eq true`},
		{"words", `locked and not federated or inactive`, state + `:locked.on eq true and not (` + ext + `:isFederatedUser eq true) or active eq false`},
		{"pending", `pending`, ext + `:status eq "pendingVerification"`},
		{"yes", `active=yes`, `active eq true`},
		{"no", `active != no`, `not (active eq false)`},
		{"not equal", `title != Boss`, `not (title eq "Boss")`},
		{"does not contain", `title !~ Boss`, `not (title co "Boss")`},
		{"double equals", `title == Boss`, `title eq "Boss"`},
		{"null", `title = null`, `not (title pr)`},
		{"not null", `title != NULL`, `title pr`},
		{"quoted null", `title = "null"`, `title eq "null"`},
		{"empty", `title = ""`, `title eq ""`},
		{"never", `last-login = never`, `not (` + state + `:lastSuccessfulLoginDate pr)`},
		{"has", `has title and not has nickName`, `title pr and not (nickName pr)`},
		{"in", `title in (A, "B, C", D)`, `title eq "A" or title eq "B, C" or title eq "D"`},
		{"not in", `title not in (A,B)`, `not (title eq "A" or title eq "B")`},
		{"or binds less", `title=A or title=B and locked`, `title eq "A" or title eq "B" and ` + state + `:locked.on eq true`},
		{"brackets", `(title=A or title=B) and active`, `(title eq "A" or title eq "B") and active eq true`},
		{"quotes and escapes", `title = "a \"b\" \\ c" and title = 'it"s'`, `title eq "a \"b\" \\ c" and title eq "it\"s"`},
		{"keyword as a value", `title = and or title = not`, `title eq "and" or title eq "not"`},
		{"blanks do not matter", "  title=A\tand\n title = B ", `title eq "A" and title eq "B"`},
		{"operator inside a value", `title=a=b`, `title eq "a=b"`},
		{"older than", `created > 30d`, `meta.created lt "2026-02-07T06:07:06.000Z"`},
		{"at least as old", `created >= 1w2d`, `meta.created le "2026-02-28T06:07:06.000Z"`},
		{"within", `created < 12h`, `meta.created gt "2026-03-08T18:07:06.000Z"`},
		{"at most as old", `created <= 90m`, `meta.created ge "2026-03-09T04:37:06.000Z"`},
		{"after a day", `created > 2026-03-01`, `meta.created ge "2026-03-01T22:00:00.000Z"`},
		{"from a day on", `created >= 2026-03-01`, `meta.created ge "2026-02-28T22:00:00.000Z"`},
		{"before a day", `created < 2026-03-01`, `meta.created lt "2026-02-28T22:00:00.000Z"`},
		{"up to a day", `created <= 2026-03-01`, `meta.created lt "2026-03-01T22:00:00.000Z"`},
		{"on a day", `created = today`, `meta.created ge "2026-03-08T22:00:00.000Z" and meta.created lt "2026-03-09T22:00:00.000Z"`},
		{"not on a day", `created != yesterday`, `not (meta.created ge "2026-03-07T22:00:00.000Z" and meta.created lt "2026-03-08T22:00:00.000Z")`},
		{"a moment", `created > 2026-03-01T10:00:00Z`, `meta.created gt "2026-03-01T10:00:00.000Z"`},
		{"a moment of the zone", `created <= "2026-03-01 10:00"`, `meta.created le "2026-03-01T08:00:00.000Z"`},
		{"text of a time", `created ^= 2026-`, `meta.created sw "2026-"`},
		{"state", `status=locked`, `not (active eq false) and ` + state + `:locked.on eq true`},
		{"states", `status in (Inactive, pending)`, `active eq false or not (active eq false) and not (` + state + `:locked.on eq true) and ` + ext + `:status eq "pendingVerification"`},
		{"not a state", `status != inactive`, `not (active eq false)`},
		{"extension attribute of a name that is a word", ext + `:status = verified`, ext + `:status eq "verified"`},
		{"group by name", `group = "Sales, EMEA"`, `groups.display eq "Sales, EMEA"`},
		{"other scripts", `title = Zoë or title = 王`, `title eq "Zoë" or title eq "王"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := where.Parse(tc.in, names(t, "User"), clock())
			if err != nil {
				t.Fatalf("%s: %v", tc.in, err)
			}
			if got := e.String(); got != tc.want {
				t.Errorf("%s\n got %s\nwant %s", tc.in, got, tc.want)
			}
			again, err := filter.Parse(e.String())
			if err != nil || !filter.Equal(e, again) {
				t.Errorf("printed and parsed again: %v, error %v", again, err)
			}
		})
	}
}

func TestParseOtherTypes(t *testing.T) {
	for _, tc := range []struct{ typ, in, want string }{
		{"Group", `name ^= Eng and description=null`, `displayName sw "Eng" and not (urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group:description pr)`},
		{"Group", `has member`, `members.value pr`},
		{"App", `isOAuthClient and showInMyApps=false`, `isOAuthClient eq true and showInMyApps eq false`},
		{"App", `accessTokenExpiry > 60`, `accessTokenExpiry gt 60`},
		{"App", `accessTokenExpiry = -1.5e3`, `accessTokenExpiry eq -1.5e3`},
	} {
		t.Run(tc.typ+" "+tc.in, func(t *testing.T) {
			e, err := where.Parse(tc.in, names(t, tc.typ), clock())
			if err != nil {
				t.Fatal(err)
			}
			if got := e.String(); got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		pos      int
		msg      string
		help     string
	}{
		{"empty", "  ", 2, "empty", ""},
		{"unknown attribute", "departmnt=IT", 0, `no attribute "departmnt"`, "did you mean department?"},
		{"unknown column", "activ", 0, `no attribute "activ"`, "active"},
		{"unknown part", "name.first=A", 0, "no attribute", ""},
		{"attribute with parts", "addresses=Bern", 0, "has parts", "addresses.locality"},
		{"secret", "not has password", 8, "never given out", ""},
		{"no value", "title=", 6, "a value is expected behind =", "null"},
		{"value is a bracket", "title=(a)", 6, "a value is expected", ""},
		{"two values", "title=a b", 8, "b is not expected", "in quotes"},
		{"open bracket", "(title=a", 8, "the bracket of column 1 is not closed", ""},
		{"closing bracket", "title=a)", 7, ") is not expected", ""},
		{"open quote", `title="a`, 6, "not closed", ""},
		{"no operand", "title=a and", 11, "missing at the end", ""},
		{"operator first", "= a", 0, "an attribute is expected", ""},
		{"not a truth", "title", 0, "no yes or no", "has title"},
		{"operator left out", "title Boss", 6, "an operator is expected behind title", ""},
		{"operator that is none", "created=>30d", 8, "no operator", ""},
		{"text operator on truth", "active ~ t", 7, "yes or no", ""},
		{"truth that is none", "active=maybe", 7, "yes or no, not maybe", ""},
		{"no time", "created>soon", 8, "a time, which soon is not", "2026-01-31"},
		{"unit that is none", "created>30x", 8, "30x", ""},
		{"age without end", "created>99999999999999d", 8, "a time", ""},
		{"day that is none", "created>2026-02-30", 8, "a time", ""},
		{"quoted age", `created>"30d"`, 8, "a time", ""},
		{"age with equals", "created=30d", 7, "goes with < and >", ""},
		{"order with null", "title>null", 5, "use = or !=", ""},
		{"state that is none", "status=gone", 7, "one of active, inactive, locked, pending", ""},
		{"order of states", "status>active", 6, "use = or !=", ""},
		{"in without brackets", "title in a", 9, "in brackets", ""},
		{"in without end", "title in (a, b", 14, "a comma or the closing bracket", ""},
		{"in without comma", "title in (a b)", 12, "a comma", ""},
		{"not without in", "title not a", 10, "in is expected", ""},
		{"character", "title=a & b", 8, "'&' is not expected", ""},
		{"not UTF-8", "title=a\xff", 7, "not UTF-8", ""},
		{"deep", strings.Repeat("(", 60), 50, "too deep", ""},
		{"long", strings.Repeat("active or ", 501) + "active", 5000, "more than 500", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := where.Parse(tc.in, names(t, "User"), clock())
			var syntax *where.SyntaxError
			if !errors.As(err, &syntax) || !errors.Is(err, where.ErrSyntax) {
				t.Fatalf("%q: got %v, error %v", tc.in, e, err)
			}
			if syntax.Pos != tc.pos || !strings.Contains(syntax.Msg, tc.msg) || !strings.Contains(syntax.Help, tc.help) {
				t.Errorf("%q: at %d %q, help %q; want at %d %q, help %q", tc.in, syntax.Pos, syntax.Msg, syntax.Help, tc.pos, tc.msg, tc.help)
			}
		})
	}
}

func TestCaret(t *testing.T) {
	_, err := where.Parse("title = Zoë Müller", names(t, "User"), clock())
	var syntax *where.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatal(err)
	}
	if diff := cmp.Diff("title = Zoë Müller\n            ^", syntax.Caret()); diff != "" {
		t.Error(diff)
	}
	if got, want := syntax.Error(), "column 13: Müller is not expected here, use and, or, or the end"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestService: types of a company's own attributes come from the service.
func TestService(t *testing.T) {
	c := names(t, "User")
	c.Service = func(path string) (where.Described, bool) {
		d, ok := map[string]where.Described{
			own + ":grade": {Type: "integer"}, own + ":hired": {Type: "dateTime"},
			own + ":site": {Type: "complex"}, own + ":site.value": {Type: "string"},
		}[path]
		return d, ok
	}
	e, err := where.Parse(own+":grade>3 and "+own+":hired=2026-03-01T00:00:00Z and "+own+":site=Bern", c, clock())
	if err != nil {
		t.Fatal(err)
	}
	want := own + `:grade gt 3 and ` + own + `:hired eq "2026-03-01T00:00:00.000Z" and ` + own + `:site.value eq "Bern"`
	if e.String() != want {
		t.Errorf("got %s\nwant %s", e, want)
	}
	if _, err := where.Parse(own+":grad>3", c, clock()); err == nil {
		t.Error("an attribute that the service does not know was taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"department=IT and locked and created>30d", "title in (a, 'b c') or not has title", "(active)", `title="\"\\"`,
		"status!=locked and work-email~@example.com", own + ":x>3d", "created=today", "title = a=b", "\xff", "not not not active",
	} {
		f.Add(s)
	}
	c := names(f, "User")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := where.Parse(s, c, clock())
		if err != nil {
			var syntax *where.SyntaxError
			if !errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(s) {
				t.Fatalf("%q: %v", s, err)
			}
			_ = syntax.Caret()
			return
		}
		if err := filter.Check(e); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		again, err := filter.Parse(e.String())
		if err != nil || !filter.Equal(e, again) {
			t.Fatalf("%q: %s parses as %v, error %v", s, e, again, err)
		}
		if _, err := filter.Compile(e, c.Rules()); err != nil {
			t.Fatalf("%q: %s does not compile: %v", s, e, err)
		}
	})
}
