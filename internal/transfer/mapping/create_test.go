package mapping

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

// normal makes a document comparable with one read from text.
func normal(tb testing.TB, d scim.Document) scim.Document {
	tb.Helper()
	return clone(tb, d)
}

func TestCreate(t *testing.T) {
	const core = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"]`
	const mech = `"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"creationMechanism":"import"}`
	tests := []struct {
		name, typ, header, row string
		opts                   Options
		want                   string
	}{
		{
			name: "minimum", header: "User Name,Last Name,First Name,Work Email", row: "ada,Lovelace,Ada,ada@example.com",
			want: `{` + core + `,` + mech + `,"userName":"ada","name":{"familyName":"Lovelace","givenName":"Ada"},
				"emails":[{"type":"work","value":"ada@example.com","primary":true}]}`,
		},
		{
			name: "old names, semicolons of a spreadsheet", header: "User ID;Last Name;TimeZone;Work City;Home Email", row: "ada;Lovelace;Europe/London;London;h@example.com",
			want: `{` + core + `,` + mech + `,"userName":"ada","name":{"familyName":"Lovelace"},"timezone":"Europe/London",
				"addresses":[{"type":"work","locality":"London"}],"emails":[{"type":"home","value":"h@example.com","primary":true}]}`,
		},
		{
			name:   "several e-mails, one chosen",
			header: "user name,Recovery Email,Home Email,Home Email Verified,Work Email,Primary Email Type",
			row:    "ada,r@example.com,h@example.com,TRUE,w@example.com,Home",
			want: `{` + core + `,` + mech + `,"userName":"ada","emails":[{"type":"work","value":"w@example.com"},
				{"type":"home","value":"h@example.com","verified":true,"primary":true},{"type":"recovery","value":"r@example.com"}]}`,
		},
		{
			name: "recovery is never primary", header: "User Name,Recovery Email", row: "ada,r@example.com",
			want: `{` + core + `,` + mech + `,"userName":"ada","emails":[{"type":"recovery","value":"r@example.com"}]}`,
		},
		{
			name:   "phones and addresses",
			header: "User Name,Work Phone,Mobile No,Primary Phone Type,Home Address Street,Home Address Country,Primary Address Type",
			row:    `ada,'+44 20 7946 0000',0171,mobile,"1 Road` + "\n" + `Flat 2",GB,home`,
			want: `{` + core + `,` + mech + `,"userName":"ada","phoneNumbers":[{"type":"work","value":"+44 20 7946 0000"},{"type":"mobile","value":"0171","primary":true}],
				"addresses":[{"type":"home","streetAddress":"1 Road\nFlat 2","country":"GB","primary":true}]}`,
		},
		{
			name:   "extensions, flags, manager, password",
			header: "User Name,Department,Manager,Federated,ByPass Notification,Service User,Active,User Type,Password",
			row:    "ada,R&D,BOSS,yes,1,no,FALSE,employee, '=secret' ",
			want: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"],
				"userName":"ada","active":false,"userType":"Employee","password":" '=secret' ",
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"value":"id-boss"}},
				"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"creationMechanism":"import","isFederatedUser":true,"bypassNotification":true,"serviceUser":false}}`,
		},
		{
			name: "unknown manager is left out", header: "User Name,Manager", row: "ada,nobody",
			want: `{` + core + `,` + mech + `,"userName":"ada"}`,
		},
		{
			name: "columns of the service and our own are ignored", header: "User Name,Locked,Created Date,_message,_row", row: "ada,true,2026-01-01T00:00:00Z,x,1",
			want: `{` + core + `,` + mech + `,"userName":"ada"}`,
		},
		{
			name: "failed rows of the console", header: "User ID,Nick Name,Type,Error Message", row: "ada,A,User,no such thing",
			want: `{` + core + `,` + mech + `,"userName":"ada","nickName":"A"}`,
		},
		{
			name: "mapped by rules", opts: Options{Plain: true, Map: []string{
				"login=User Name", "a=b=displayName", "junk=", `x=ims[type eq "xmpp"].value`, "badge=urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge",
				`m=emails[type eq "work"].value`, "chief=manager", "core=urn:ietf:params:scim:schemas:core:2.0:User:nickName",
			}},
			header: "login,a=b,junk,x,badge,m,chief,core", row: "ada,Ada L.,?,ada@chat.example.com,007,ada@example.com,boss,Addie",
			want: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:ietf:params:scim:schemas:idcs:extension:custom:User"],
				"userName":"ada","displayName":"Ada L.","nickName":"Addie","ims":[{"type":"xmpp","value":"ada@chat.example.com"}],
				"emails":[{"type":"work","value":"ada@example.com","primary":true}],
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"id-boss"}},
				"urn:ietf:params:scim:schemas:idcs:extension:custom:User":{"badge":"007"}}`,
		},
		{
			name: "group", typ: Group, header: "Display Name,Description,User Members,Requestable,External Id", row: "Staff,All of us,ada; BOB ;ada;nobody;,TRUE,x1",
			want: `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group","urn:ietf:params:scim:schemas:oracle:idcs:extension:requestable:Group"],
				"displayName":"Staff","externalId":"x1","members":[{"value":"id-ada","type":"User"},{"value":"id-bob","type":"User"}],
				"urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group":{"creationMechanism":"import","description":"All of us"},
				"urn:ietf:params:scim:schemas:oracle:idcs:extension:requestable:Group":{"requestable":true}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ := tt.typ
			if typ == "" {
				typ = User
			}
			spec := only(t, typ, tt.opts, tt.header, tt.row)
			sameBody(t, spec)
			got := normal(t, spec.Create(byID))
			if diff := cmp.Diff(doc(t, tt.want), got); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefsAndNeeds(t *testing.T) {
	u := only(t, User, Options{Map: []string{"b=urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge"}}, "User Name,Manager,b", "ada,Boss,1")
	if diff := cmp.Diff([]transfer.Ref{{Type: User, Key: "Boss"}}, u.Refs()); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge"}, u.NeedsAttributes()); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	g := only(t, Group, Options{}, "Name,User Members,Requestable", "Staff,a;b,no")
	if diff := cmp.Diff([]transfer.Ref{{Type: User, Key: "a"}, {Type: User, Key: "b"}}, g.Refs()); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"members", RequestableURN + ":requestable"}, g.NeedsAttributes()); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestMappingErrors(t *testing.T) {
	tests := []struct {
		name, header string
		opts         Options
		want         error
		says         string
	}{
		{"unknown", "User Name,mail,Foo", Options{}, ErrUnknownColumns, `"mail" (did you mean "Work Email"?), "Foo"`},
		{"type alone", "User Name,Type", Options{}, ErrUnknownColumns, `"Type"`},
		{"no key", "Last Name,Work Email", Options{}, ErrNoKey, `"User Name" (or "User ID")`},
		{"both generations", "User Name,User ID", Options{}, ErrMapping, `both set userName`},
		{"rule without a column", "User Name", Options{Map: []string{"x=Title"}}, ErrMapping, `it has User Name`},
		{"rule without a target", "User Name", Options{Map: []string{"Title"}}, ErrMapping, "HEADER=TARGET"},
		{"rule twice", "User Name,x", Options{Map: []string{"x=Title", "X=Locale"}}, ErrMapping, "mapped twice"},
		{"rule to nowhere", "User Name,x", Options{Map: []string{"x=Titel"}}, ErrMapping, `did you mean "Title"?`},
		{"rule to a read-only attribute", "User Name,x", Options{Map: []string{"x=meta.created"}}, ErrMapping, "service alone"},
		{"rule to another read-only attribute", "User Name,x", Options{Map: []string{"x=groups.value"}}, ErrMapping, "service alone"},
		{"rule to an export column", "User Name,x", Options{Map: []string{"x=Locked"}}, ErrMapping, "service alone"},
		{"rule to a whole list", "User Name,x", Options{Map: []string{"x=emails.value"}}, ErrMapping, `emails[type eq "work"].value`},
		{"rule to a wide filter", "User Name,x", Options{Map: []string{`x=emails[value co "a"].value`}}, ErrMapping, "too general"},
		{"rule with bad syntax", "User Name,x", Options{Map: []string{`x=emails[type eq`}}, ErrMapping, `"x"`},
		{"rule to a schema", "User Name,x", Options{Map: []string{`x=` + EnterpriseURN}}, ErrMapping, "whole schema"},
		{"unknown core attribute", "User Name,x", Options{Map: []string{"x=name"}}, ErrMapping, `no column or attribute "name"`},
		{"part and whole", "User Name,x,y", Options{Map: []string{"x=urn:x:User:a", "y=urn:x:User:a.b"}}, ErrMapping, "a part of it"},
		{"mode", "User Name", Options{MultiValued: "mix"}, ErrMapping, "merge or replace"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewSource(file(t, tt.header, "x"), User, tt.opts)
			if s != nil || err == nil || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.says)
			}
		})
	}
	if _, err := NewSource(file(t, "Name", "x"), "App", Options{}); err == nil {
		t.Error("apps were mapped")
	}
	s := source(t, User, Options{IgnoreUnknown: true}, "User Name,Foo", "ada,x")
	want := []HeaderReport{{Header: "User Name", Use: Mapped, Column: "User Name", Attribute: "userName"}, {Header: "Foo", Use: Unknown}}
	if diff := cmp.Diff(want, s.Headers()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestSourceTellsItsFile(t *testing.T) {
	f := file(t, "Name", "Staff")
	s, err := NewSource(f, Group, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Type() != Group || s.Hash() != f.Hash || s.Name() != f.Path || s.File() != f || len(s.Options()) != 64 {
		t.Errorf("type %q, hash %q, name %q, options %q", s.Type(), s.Hash(), s.Name(), s.Options())
	}
	if s, err := NewSource(f, Group, Options{Name: "-"}); err != nil || s.Name() != "-" {
		t.Errorf("standard input is called %q, %v", s.Name(), err)
	}
	f.Path += ".gone"
	for it, err := range s.Items(t.Context()) {
		if it != nil || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("item %v, error %v", it, err)
		}
	}
}

func TestOptionsDigest(t *testing.T) {
	f := file(t, "User Name,x", "ada,y")
	digest := func(o Options) string {
		s, err := NewSource(f, User, o)
		if err != nil {
			t.Fatal(err)
		}
		return s.Options()
	}
	base := Options{Map: []string{"x=Title"}}
	same := []Options{{Map: []string{"X = title"}}, {Map: []string{"x=title"}, Name: "-"}, {Map: []string{"x=Title"}, MultiValued: Merge}}
	for _, o := range same {
		if digest(o) != digest(base) {
			t.Errorf("%+v means the same but has another digest", o)
		}
	}
	other := []Options{
		{Map: []string{"x=Locale"}},
		{Map: []string{"x="}},
		{Map: base.Map, ClearEmpty: true},
		{Map: base.Map, SetPasswords: true},
		{Map: base.Map, ReplaceMembers: true},
		{Map: base.Map, MultiValued: Replace},
		{Map: base.Map, ForCreate: true},
		{Map: base.Map, Plain: true},
	}
	seen := map[string]bool{digest(base): true}
	for _, o := range other {
		d := digest(o)
		if seen[d] {
			t.Errorf("%+v has the digest of another meaning", o)
		}
		seen[d] = true
	}
}

func TestProblems(t *testing.T) {
	type found struct {
		Column, Code string
		Warning      bool
	}
	long := strings.Repeat("x", 65) + "@example.com"
	tests := []struct {
		name, header, row string
		opts              Options
		want              []found
	}{
		{"fine", "User Name,Last Name,Work Email", "ada,L,a@example.com", Options{}, nil},
		{"changes only", "User Name,Department", "ada,IT", Options{}, nil},
		{"no key", "User Name,Department", " ,IT", Options{}, []found{{"User Name", CodeMissingKey, false}}},
		{"short key", "User Name,Department", "ad,IT", Options{}, []found{{"User Name", CodeTooShort, true}}},
		{"new user incomplete", "User Name,Last Name,Work Email", "ada,,", Options{}, []found{{"Last Name", CodeRequired, true}, {"Work Email", CodeRequired, true}}},
		{"for create", "User Name,Last Name", "ada,", Options{ForCreate: true}, []found{{"Last Name", CodeRequired, false}, {"", CodeRequired, false}}},
		{"bad e-mails", "User Name,Work Email,Home Email,Other Email", "ada,ada,Ada <a@example.com>,a@-x.com", Options{}, []found{{"Work Email", CodeEmail, false}, {"Home Email", CodeEmail, false}, {"Other Email", CodeEmail, false}}},
		{"long e-mail", "User Name,Work Email", "ada," + long, Options{}, []found{{"Work Email", CodeTooLong, false}}},
		{"phone", "User Name,Work Phone,Fax", "ada,ask me,+44 (0)20/7946-0000 ext. 5", Options{}, []found{{"Work Phone", CodePhone, true}}},
		{"boolean", "User Name,Active", "ada,perhaps", Options{}, []found{{"Active", CodeBool, false}}},
		{"user type", "User Name,User Type", "ada,Boss", Options{}, []found{{"User Type", CodeUserType, false}}},
		{"locale and zone", "User Name,Locale,Preferred Language,Time Zone", "ada,english please,de_CH,Europe / Bern", Options{}, []found{{"Locale", CodeLanguage, true}, {"Time Zone", CodeZone, true}}},
		{"url", "User Name,Profile Url", "ada,example", Options{}, []found{{"Profile Url", CodeURL, true}}},
		{"primary of no type", "User Name,Work Email,Primary Email Type", "ada,a@example.com,recovery", Options{}, []found{{"Primary Email Type", CodePrimary, false}}},
		{"primary of an empty cell", "User Name,Work Email,Home Email,Primary Email Type", "ada,a@example.com,,home", Options{}, []found{{"Primary Email Type", CodePrimaryEmpty, false}}},
		{"primary of no column", "User Name,Primary Email Type", "ada,home", Options{}, nil},
		{"control character", "User Name,Title,Nick Name", "ada,a\x01b,\"c\nd\"", Options{}, []found{{"Title", CodeControl, false}}},
		{"line break in a name", "User Name", "\"a\nda\"", Options{}, []found{{"User Name", CodeControl, false}}},
		{"own manager", "User Name,Manager", "ada,ADA", Options{}, []found{{"Manager", CodeSelf, false}}},
		{"blanks", "User Name,Title", " ada , Countess", Options{}, []found{{"Title", CodeBlanks, true}}},
		{"long text", "User Name,Title", "ada," + strings.Repeat("x", 4001), Options{}, []found{{"Title", CodeTooLong, true}}},
		{"all at once", "User Name,Active,Work Email", ",x,y", Options{}, []found{{"Active", CodeBool, false}, {"User Name", CodeMissingKey, false}, {"Work Email", CodeEmail, false}}},
		{"cell count", "User Name,Active", "ada", Options{}, []found{{"", "column-count", false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := items(t, source(t, User, tt.opts, tt.header, tt.row))
			if len(all) != 1 {
				t.Fatalf("%d rows", len(all))
			}
			var got []found
			for _, p := range all[0].Problems {
				got = append(got, found{p.Column, p.Code, p.Warning})
				if len(p.Message) > 250 {
					t.Errorf("message of %d bytes", len(p.Message))
				}
			}
			sortFound := func(a, b found) int { return strings.Compare(a.Code+a.Column, b.Code+b.Column) }
			slices.SortStableFunc(got, sortFound)
			want := slices.Clone(tt.want)
			slices.SortStableFunc(want, sortFound)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, all[0].Problems)
			}
			if (all[0].Spec == nil) != all[0].Rejected() {
				t.Errorf("rejected %v with spec %v", all[0].Rejected(), all[0].Spec)
			}
		})
	}
}

func TestPasswordNeverInMessages(t *testing.T) {
	secret := "s3cr3t\x01" + strings.Repeat("y", 5000)
	all := items(t, source(t, User, Options{}, "User Name,Password", "ada,"+secret))
	text, err := json.Marshal(all[0].Problems)
	if err != nil {
		t.Fatal(err)
	}
	if len(all[0].Problems) == 0 || strings.Contains(string(text), "s3cr3t") {
		t.Errorf("problems %s", text)
	}
}

func TestDuplicateKeys(t *testing.T) {
	all := items(t, source(t, User, Options{}, "User Name,Title", "ada,x", "bob,y", `"A`+`DA",z`, "bob ,w"))
	var got []string
	for _, it := range all {
		for _, p := range it.Problems {
			got = append(got, it.Key+" "+p.Code+" "+p.Message)
		}
	}
	want := []string{`ADA duplicate-key "ADA" stands on line 2 already`, `bob duplicate-key "bob" stands on line 3 already`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestEmailFault(t *testing.T) {
	good := []string{"a@example.com", "a.b+c@sub.example.com", "o'neil@example.com", "a@localhost", "müller@exämple.com", "_x-1@example.co"}
	bad := []string{"", "a", "@example.com", "a@", "a@@example.com", "a b@example.com", "<a@example.com>", "A <a@example.com>", "a@example..com", "a@.com", "a@example.com.", "a@exa mple.com", "a@exa_mple.com", `"a b"@example.com`, "a@[127.0.0.1]", "a@example.com,b@example.com", "a@" + strings.Repeat("x", 64) + ".com", strings.Repeat("a", 64) + "@" + strings.Repeat("x.", 100) + "com"}
	for _, s := range good {
		if code, msg := emailFault(s); code != "" {
			t.Errorf("%q: %s %s", s, code, msg)
		}
	}
	for _, s := range bad {
		if code, _ := emailFault(s); code == "" {
			t.Errorf("%q was accepted", s)
		}
	}
}
