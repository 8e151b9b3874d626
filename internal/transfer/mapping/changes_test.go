package mapping

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

func opsText(tb testing.TB, ops []scim.PatchOp) []string {
	tb.Helper()
	var out []string
	for _, op := range ops {
		v := ""
		if op.Value != nil {
			text, err := json.Marshal(op.Value)
			if err != nil {
				tb.Fatal(err)
			}
			v = " " + string(text)
		}
		out = append(out, op.Op+" "+op.Path+v)
	}
	return out
}

func TestChanges(t *testing.T) {
	tests := []struct {
		name, typ, header, row string
		opts                   Options
		before                 string
		want                   []string
	}{
		{name: "equal", header: "User Name,Title,Active", row: "ADA,x,1", before: `{"userName":"ada","title":"x","active":true}`},
		{name: "set", header: "User Name,Title,Middle Name,Department", row: "ada,new,M,IT", before: `{"userName":"ada","title":"old","name":{"familyName":"L"}}`, want: []string{
			`replace title "new"`, `add name.middleName "M"`, `add urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department "IT"`,
		}},
		{name: "case is a change", header: "User Name,Title,Work Email", row: "ada,NEW,A@example.com", before: `{"title":"new","emails":[{"type":"work","value":"a@example.com","primary":true}]}`, want: []string{
			`replace title "NEW"`, `replace emails[type eq "work"].value "A@example.com"`,
		}},
		{name: "empty cells and absent columns", header: "User Name,Title,Work Email", row: "ada,,", before: `{"title":"x","nickName":"n","emails":[{"type":"work","value":"a@example.com"}]}`},
		{name: "clear", opts: Options{ClearEmpty: true}, header: "User Name,Title,Nick Name,Home Email,Department,Manager", row: "ada,,,,,", before: `{"title":"x",
			"emails":[{"type":"work","value":"a@example.com"},{"type":"home","value":"h@example.com","primary":true}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"IT","manager":{"value":"1"}}}`, want: []string{
			"remove title", "remove urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
			`remove emails[type eq "home"]`, `replace emails[type eq "work"].primary true`,
			"remove urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
		}},
		{name: "what the service fills in is not cleared", opts: Options{ClearEmpty: true}, header: "User Name,Display Name,Formatted Name,Active,Federated,Recovery Email,Work Email Verified", row: "ada,,,,,,", before: `{"displayName":"x",
			"name":{"formatted":"x"},"active":true,"emails":[{"type":"work","value":"w@example.com","primary":true,"verified":false},{"type":"recovery","value":"w@example.com"}],
			"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"isFederatedUser":true}}`},
		{name: "slot replaces only itself", header: "User Name,Work Email", row: "ada,new@example.com", before: `{"emails":[{"type":"work","value":"old@example.com","primary":true,"verified":true},
			{"type":"recovery","value":"old@example.com"}]}`, want: []string{`replace emails[type eq "work"].value "new@example.com"`}},
		{name: "slot is added", header: "User Name,Home Email", row: "ada,h@example.com", before: `{"emails":[{"type":"work","value":"w@example.com","primary":true}]}`, want: []string{`add emails [{"type":"home","value":"h@example.com"}]`}},
		{name: "first e-mail is primary", header: "User Name,Home Email", row: "ada,h@example.com", before: `{"userName":"ada"}`, want: []string{`add emails [{"primary":true,"type":"home","value":"h@example.com"}]`}},
		{name: "two of a type, one matches", header: "User Name,Work Email", row: "ada,b@example.com", before: `{"emails":[{"type":"work","value":"a@example.com","primary":true},{"type":"work","value":"b@example.com"}]}`},
		{name: "two of a type, none matches", header: "User Name,Work Email,Work Email Verified", row: "ada,c@example.com,true", before: `{"emails":[{"type":"work","value":"a@example.com","primary":true},{"type":"work","value":"b@example.com"}]}`, want: []string{
			`replace emails[type eq "work" and value eq "a@example.com"].verified true`, `replace emails[type eq "work" and value eq "a@example.com"].value "c@example.com"`,
		}},
		{name: "primary moves", header: "User Name,Work Email,Primary Email Type", row: "ada,w@example.com,work", before: `{"emails":[{"type":"home","value":"h@example.com","primary":true},{"type":"work","value":"w@example.com","primary":false}]}`, want: []string{
			`replace emails[type eq "home"].primary false`, `replace emails[type eq "work"].primary true`,
		}},
		{name: "primary moves to a new one", header: "User Name,Work Email,Primary Email Type", row: "ada,w@example.com,work", before: `{"emails":[{"type":"home","value":"h@example.com","primary":true}]}`, want: []string{
			`replace emails[type eq "home"].primary false`, `add emails [{"primary":true,"type":"work","value":"w@example.com"}]`,
		}},
		{name: "primary of nothing", header: "User Name,Primary Email Type", row: "ada,other", before: `{"emails":[{"type":"home","value":"h@example.com","primary":true}]}`},
		{name: "phone in another form", header: "User Name,Work Phone", row: "ada,+44 (20) 7946-0000", before: `{"phoneNumbers":[{"type":"work","value":"tel:+44-20-7946-0000"}]}`},
		{name: "address parts", header: "User Name,Work Address Street,Work Address Locality,Work Address Country", row: "ada,new,same,GB", before: `{"addresses":[{"type":"work","streetAddress":"old","locality":"same"}]}`, want: []string{
			`replace addresses[type eq "work"].streetAddress "new"`, `replace addresses[type eq "work"].country "GB"`,
		}},
		{name: "address cleared", opts: Options{ClearEmpty: true}, header: "User Name,Work Address Street,Work Address Country", row: "ada,,", before: `{"addresses":[{"type":"work","streetAddress":"old","primary":true}]}`, want: []string{`remove addresses[type eq "work"]`}},
		{name: "replace keeps what the service added", opts: Options{MultiValued: Replace}, header: "User Name,Work Email,Home Email", row: "ada,w@example.com,", before: `{"emails":[{"type":"work","value":"w@example.com","primary":true,"pendingVerificationData":"x"},
			{"type":"other","value":"o@example.com"},{"type":"recovery","value":"w@example.com"}]}`, want: []string{`replace emails [{"primary":true,"type":"work","value":"w@example.com"},{"type":"recovery","value":"w@example.com"}]`}},
		{name: "replace with nothing to say", opts: Options{MultiValued: Replace}, header: "User Name,Home Email", row: "ada,", before: `{"emails":[{"type":"work","value":"w@example.com","primary":true}]}`},
		{name: "flags that are off", header: "User Name,Federated,Work Email,Work Email Verified", row: "ada,no,w@example.com,no", before: `{"emails":[{"type":"work","value":"w@example.com","primary":true}]}`},
		{name: "flag of an address in no cell", header: "User Name,Recovery Email,Recovery Email Verified", row: "ada,,yes", before: `{"emails":[{"type":"recovery","value":"w@example.com"}]}`},
		{name: "flag without a column for the address", header: "User Name,Work Email Verified", row: "ada,yes", before: `{"emails":[{"type":"work","value":"w@example.com","verified":false}]}`, want: []string{`replace emails[type eq "work"].verified true`}},
		{name: "flag that goes on", header: "User Name,Federated", row: "ada,yes", before: `{}`, want: []string{`add urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:isFederatedUser true`}},
		{name: "create only", header: "User Name,Password,ByPass Notification,Service User", row: "ada,s,yes,yes", before: `{}`},
		{name: "passwords on request", opts: Options{SetPasswords: true}, header: "User Name,Password", row: "ada,s", before: `{}`, want: []string{`replace password "s"`}},
		{name: "manager", header: "User Name,Manager", row: "ada,boss", before: `{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"1","displayName":"Old Boss"}}}`, want: []string{
			`replace urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager {"value":"id-boss"}`,
		}},
		{name: "manager not there yet", header: "User Name,Manager", row: "ada,nobody", before: `{}`},
		{name: "number of a custom attribute", opts: Options{Map: []string{"n=urn:ietf:params:scim:schemas:idcs:extension:custom:User:n"}}, header: "User Name,n", row: "ada,8", before: `{"urn:ietf:params:scim:schemas:idcs:extension:custom:User":{"n":7}}`, want: []string{
			`replace urn:ietf:params:scim:schemas:idcs:extension:custom:User:n 8`,
		}},
		{name: "members are added", typ: Group, header: "Name,User Members", row: "STAFF,a;b", before: `{"displayName":"Staff","members":[{"value":"id-b"},{"value":"id-c"}]}`, want: []string{`add members [{"type":"User","value":"id-a"}]`}},
		{name: "members are replaced", typ: Group, opts: Options{ReplaceMembers: true}, header: "Name,User Members", row: "Staff,a;b", before: `{"members":[{"value":"id-b"},{"value":"id-c"}]}`, want: []string{`remove members[value eq "id-c"]`, `add members [{"type":"User","value":"id-a"}]`}},
		{name: "no members cell, no removal", typ: Group, opts: Options{ReplaceMembers: true}, header: "Name,User Members", row: "Staff,", before: `{"members":[{"value":"id-b"}]}`},
		{name: "clearing alone keeps members", typ: Group, opts: Options{ClearEmpty: true}, header: "Name,User Members", row: "Staff,", before: `{"members":[{"value":"id-b"}]}`},
		{name: "members cleared", typ: Group, opts: Options{ClearEmpty: true, ReplaceMembers: true}, header: "Name,User Members", row: "Staff,", before: `{"members":[{"value":"id-b"}]}`, want: []string{"remove members"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ := tt.typ
			if typ == "" {
				typ = User
			}
			spec := only(t, typ, tt.opts, tt.header, tt.row)
			before := doc(t, tt.before)
			kept := clone(t, before)
			ops := spec.Changes(before, byID)
			if diff := cmp.Diff(tt.want, opsText(t, ops)); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(kept, before); diff != "" {
				t.Errorf("the document was changed (-was +is):\n%s", diff)
			}
			if tt.opts.SetPasswords {
				return
			}
			if again := spec.Changes(apply(t, before, ops), byID); len(again) > 0 {
				t.Errorf("still to do: %q", opsText(t, again))
			}
		})
	}
}

// randomRow fills some cells with plausible values; the random source decides.
func randomRow(r *rand.Rand, cols []Column) []string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	row := make([]string, len(cols))
	for i, c := range cols {
		if r.IntN(3) == 0 {
			continue
		}
		switch c.Kind {
		case Email:
			row[i] = pick("a", "b", "c") + "@example.com"
		case Phone:
			row[i] = pick("+44 20 7946 0000", "0171 1", "(030) 123")
		case Bool:
			row[i] = pick("true", "FALSE")
		case Category:
			row[i] = pick("employee", "Temp")
		case Selector:
			row[i] = pick("work", "home", "other")
		case UserRef:
			row[i] = pick("boss", "chief", "nobody")
		case Members:
			row[i] = pick("a;b", "b;c;nobody", "d")
		case URL:
			row[i] = pick("https://example.com/a", "https://example.com/b")
		case Language:
			row[i] = pick("en", "de-CH")
		case Zone:
			row[i] = pick("UTC", "Europe/Bern")
		case DateTime:
			row[i] = "2026-01-01T00:00:00Z"
		case Text:
			row[i] = pick("x", "y, \"z\"", "=1+1", "'@q'", "Ünï", "two\r\nlines")
		}
		if c.Path == "userName" || c.Path == "displayName" && len(cols) < 10 {
			row[i] = "ada"
		}
	}
	return row
}

// planFor makes a plan for all columns of a type.
func planFor(tb testing.TB, typ string, o Options) *plan {
	tb.Helper()
	p, err := newPlan(typ, Headers(Columns(typ), false), o)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func specOf(p *plan, cells []string) (transfer.Spec, []transfer.Problem) {
	it := &transfer.Item{Row: 1, Line: 2}
	p.fillItem(it, cells, NewDupes())
	return it.Spec, it.Problems
}

func TestChangesAreIdempotent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	options := []Options{{}, {ClearEmpty: true}, {MultiValued: Replace}, {ReplaceMembers: true}, {ClearEmpty: true, MultiValued: Replace, ReplaceMembers: true}}
	checked := 0
	for _, typ := range []string{User, Group} {
		for _, o := range options {
			p := planFor(t, typ, o)
			for range 300 {
				first, _ := specOf(p, guardAll(randomRow(r, Columns(typ))))
				second, _ := specOf(p, guardAll(randomRow(r, Columns(typ))))
				if first == nil || second == nil {
					continue
				}
				before := stored(t, first.Create(byID))
				if ops := first.Changes(before, byID); len(ops) > 0 {
					t.Fatalf("%s %+v: a second import would do %q to\n%v", typ, o, opsText(t, ops), before)
				}
				ops := second.Changes(before, byID)
				after := apply(t, before, ops)
				if again := second.Changes(after, byID); len(again) > 0 {
					t.Fatalf("%s %+v: after %q on\n%v\nstill to do %q", typ, o, opsText(t, ops), before, opsText(t, again))
				}
				primaries := 0
				for _, e := range (target{name: "emails"}).elements(after) {
					if primaryIn(e) {
						primaries++
					}
				}
				if primaries > 1 {
					t.Fatalf("%d primary addresses after %q", primaries, opsText(t, ops))
				}
				checked++
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d rows were good", checked)
	}
}

func guardAll(row []string) []string {
	for i, c := range row {
		if strings.HasPrefix(c, "=") || strings.HasPrefix(c, "'") {
			row[i] = "'" + c + "'"
		}
	}
	return row
}

func FuzzMapRow(f *testing.F) {
	f.Add("ada,x,Ada,,L,,,,,,,,,,,true,1,2,a@example.com", false)
	f.Add("ada\x1f\x1f'=x'\x1f\x1fL", true)
	f.Add(strings.Repeat("a;", 40), true)
	f.Fuzz(func(t *testing.T, text string, clearEmpty bool) {
		for _, typ := range []string{User, Group} {
			p := planFor(t, typ, Options{ClearEmpty: clearEmpty})
			cells := strings.FieldsFunc(text, func(r rune) bool { return r == '\x1f' || r == ',' })
			for len(cells) < p.width {
				cells = append(cells, cells...)
				cells = append(cells, "")
			}
			spec, problems := specOf(p, cells[:p.width])
			for _, pr := range problems {
				if pr.Code == "" || pr.Message == "" {
					t.Fatalf("problem %+v", pr)
				}
			}
			if spec == nil {
				continue
			}
			created := spec.Create(byID)
			if created[keyPath(typ)] == "" {
				t.Fatalf("no key in %v", created)
			}
			before := clone(t, created)
			if ops := spec.Changes(before, byID); len(ops) > 0 && validText(text) {
				t.Fatalf("changes of what was created: %q", opsText(t, ops))
			}
		}
	})
}

func validText(s string) bool { return strings.ToValidUTF8(s, "") == s }

func TestCreateChangesNothingWithoutRow(t *testing.T) {
	// Two items of one source share the plan; one must not see the other.
	all := items(t, source(t, User, Options{}, "User Name,Title", "ada,x", "bob,"))
	if got := fmt.Sprint(all[1].Spec.Create(byID)["title"]); got != "<nil>" {
		t.Errorf("title of another row: %s", got)
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		name string
		kind Kind
		have any
		cell string
		want bool
	}{
		{"text", Text, "a", "a", true},
		{"text of another case", Text, "A", "a", false},
		{"phone", Phone, "tel:+1-2", "+1 (2)", true},
		{"other phone", Phone, "+1 2", "+1 3", false},
		{"flag", Bool, true, "yes", true},
		{"flag as text", Bool, "TRUE", "1", true},
		{"flag as other text", Bool, "none", "false", false},
		{"custom flag", Text, true, "true", true},
		{"custom flag off", Text, false, "yes", false},
		{"custom number", Text, json.Number("12345678901234567890"), "12345678901234567890", true},
		{"custom number of Go", Text, 7, "7", true},
		{"other number", Text, json.Number("7"), "8", false},
	}
	for _, tt := range tests {
		flag, _ := parseBool(tt.cell)
		v := value{state: set, text: tt.cell, flag: flag}
		if got := equal(tt.kind, tt.have, v); got != tt.want {
			t.Errorf("%s: equal(%v, %q) = %v", tt.name, tt.have, tt.cell, got)
		}
	}
	likes := []struct {
		have any
		cell string
		want any
	}{
		{true, "no", false},
		{true, "perhaps", "perhaps"},
		{json.Number("1"), "2", json.Number("2")},
		{json.Number("1"), `"2"`, `"2"`},
		{json.Number("1"), "two", "two"},
		{"1", "2", "2"},
		{nil, "2", "2"},
	}
	for _, tt := range likes {
		if got := like(tt.have, value{text: tt.cell}, Text); got != tt.want {
			t.Errorf("like(%v, %q) = %#v, want %#v", tt.have, tt.cell, got, tt.want)
		}
	}
}
