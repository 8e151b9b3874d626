package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

// members lists the ids of a group's members as a client reads them.
func (b *bench) members(id string) []string {
	b.Helper()
	var list []string
	for _, x := range elements(b.get("Group", id, "members")["members"]) {
		list = append(list, asMap(x)["value"].(string))
	}
	return list
}

func TestMembersBothWays(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	group := b.create("Group", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group","urn:ietf:params:scim:schemas:extension:custom:2.0:Group"],
		"displayName":"Contractors","externalId":"123456",
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group":{"creationMechanism":"api","description":"Group with contractors"},
		"members":[{"value":"`+ada+`","type":"User"},{"ocid":"`+ocidFor("User", bob)+`"}]}`)
	id := group["id"].(string)
	if group["members"] != nil {
		t.Error("members are returned without having been asked for")
	}
	got := b.get("Group", id, "members")["members"]
	want := []any{}
	for _, u := range [][2]string{{ada, "ada"}, {bob, "bob"}} {
		want = append(want, map[string]any{
			"value": u[0], "type": "User", "ocid": ocidFor("User", u[0]), "display": "Given " + u[1], "name": u[1],
			"$ref":           "https://idcs.example.com/admin/v1/Users/" + u[0],
			"membershipOcid": membershipOCID(id, u[0]), "dateAdded": asMap(group["meta"])["created"],
		})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	user := b.get("User", ada, "groups.type", "groups")
	wantGroups := []any{map[string]any{
		"value": id, "type": "direct", "ocid": ocidFor("Group", id), "display": "Contractors", "externalId": "123456",
		"$ref": "https://idcs.example.com/admin/v1/Groups/" + id, "membershipOcid": membershipOCID(id, ada),
		"dateAdded": asMap(group["meta"])["created"],
	}}
	if d := cmp.Diff(wantGroups, user["groups"]); d != "" {
		t.Error(d)
	}
	if got := b.get("User", ada); got["groups"] != nil {
		t.Error("groups are returned without having been asked for")
	}
	// A rename shows at once on both sides.
	if _, err := b.patch("Group", id, `[{"op":"replace","path":"displayName","value":"Staff"}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch("User", bob, `[{"op":"replace","path":"displayName","value":"Robert"}]`); err != nil {
		t.Fatal(err)
	}
	if got := asMap(elements(b.get("User", ada, "groups.display")["groups"])[0])["display"]; got != "Staff" {
		t.Errorf("the group shows as %v", got)
	}
	if got := asMap(elements(b.get("Group", id, `members[value eq "`+bob+`"].display`)["members"])[0])["display"]; got != "Robert" {
		t.Errorf("the member shows as %v", got)
	}
	for filter, want := range map[string][]string{
		`groups.value eq "` + id + `"`:                         {ada, bob},
		`groups[value eq "` + id + `" and type eq "direct"]`:   {ada, bob},
		`groups eq "` + id + `"`:                               {ada, bob},
		`groups.ocid eq "` + ocidFor("Group", id) + `"`:        {ada, bob},
		`groups[type eq "indirect" and value eq "` + id + `"]`: nil,
		`not (groups.value eq "` + id + `")`:                   nil,
		`groups pr`:                                            {ada, bob},
		`groups.value eq "` + id + `" and userName eq "BOB"`:   {bob},
		`groups.value eq "x" or userName sw "a"`:               {ada},
	} {
		if got := b.names("User", "id", filter); !slices.Equal(got, want) {
			t.Errorf("%s selects %v, want %v", filter, got, want)
		}
	}
	for filter, want := range map[string][]string{
		`members[type eq "User" and value eq "` + ada + `"]`: {id},
		`members.value eq "` + ada + `"`:                     {id},
		`members.display eq "robert"`:                        {id},
		`members[type eq "user" and value eq "` + ada + `"]`: nil, // type is caseExact
		`members.value eq "x"`:                               nil,
		`not (members.value eq "x")`:                         {id},
	} {
		if got := b.names("Group", "id", filter); !slices.Equal(got, want) {
			t.Errorf("%s selects %v, want %v", filter, got, want)
		}
	}
	if err := b.e.Delete(b.ctx(), admin, "User", ada, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.members(id); !slices.Equal(got, []string{bob}) {
		t.Errorf("after a user was deleted the members are %v", got)
	}
	if err := b.e.Delete(b.ctx(), admin, "Group", id, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.get("User", bob, "groups"); got["groups"] != nil {
		t.Errorf("after the group was deleted the groups are %v", got["groups"])
	}
}

func TestPatchMembers(t *testing.T) {
	b := newBench(t)
	u := []string{b.user("a"), b.user("b"), b.user("c")}
	all := `[{"value":"` + u[0] + `"},{"value":"` + u[1] + `"}]`
	for name, c := range map[string]struct {
		op      string
		want    []string
		changed bool
	}{
		"add":                      {`{"op":"add","path":"members","value":[{"value":"` + u[2] + `","type":"User"}]}`, u, true},
		"add one as object":        {`{"op":"ADD","path":"members","value":{"value":"` + u[2] + `"}}`, u, true},
		"add by ocid":              {`{"op":"add","path":"members","value":[{"ocid":"` + ocidFor("User", u[2]) + `"}]}`, u, true},
		"add again":                {`{"op":"add","path":"members","value":` + all + `}`, u[:2], false},
		"add without path":         {`{"op":"add","value":{"members":[{"value":"` + u[2] + `"}]}}`, u, true},
		"remove by value":          {`{"op":"remove","path":"members[value eq \"` + u[0] + `\"]"}`, u[1:2], true},
		"remove by unquoted value": {`{"op":"remove","path":"members[value eq x` + u[0] + `]"}`, u[:2], false},
		"remove stranger":          {`{"op":"remove","path":"members[value eq \"` + u[2] + `\"]"}`, u[:2], false},
		"remove by name":           {`{"op":"remove","path":"members[display eq \"given B\"]"}`, u[:1], true},
		"remove list":              {`{"op":"remove","path":"members","value":[{"value":"` + u[1] + `"}]}`, u[:1], true},
		"remove all":               {`{"op":"remove","path":"members"}`, nil, true},
		"remove by type":           {`{"op":"remove","path":"members[type eq \"User\"]"}`, nil, true},
		"replace":                  {`{"op":"replace","path":"members","value":[{"value":"` + u[1] + `"},{"value":"` + u[2] + `"}]}`, u[1:], true},
		"replace with itself":      {`{"op":"replace","path":"members","value":` + all + `}`, u[:2], false},
		"replace with nothing":     {`{"op":"replace","path":"members","value":[]}`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := b.create("Group", `{"displayName":"`+name+`","members":`+all+`}`)
			id := g["id"].(string)
			got, err := b.patch("Group", id, "["+c.op+"]")
			if err != nil {
				t.Fatal(err)
			}
			if m := b.members(id); !slices.Equal(m, c.want) {
				t.Errorf("members are %v, want %v", m, c.want)
			}
			if changed := asMap(got["meta"])["version"] != asMap(g["meta"])["version"]; changed != c.changed {
				t.Errorf("changed is %v, want %v", changed, c.changed)
			}
		})
	}
	g := b.create("Group", `{"displayName":"refused"}`)["id"].(string)
	for name, c := range map[string]struct{ op, messageID string }{
		"unknown member":  {`{"op":"add","path":"members","value":[{"value":"` + u[0] + `"},{"value":"ff"}]}`, msgReference},
		"ocid in value":   {`{"op":"add","path":"members","value":[{"value":"` + ocidFor("User", u[0]) + `"}]}`, msgTooLong},
		"no value":        {`{"op":"add","path":"members","value":[{"type":"User"}]}`, msgMissingAttributes},
		"no user":         {`{"op":"add","path":"members","value":[{"value":"` + u[0] + `","type":"Group"}]}`, msgCanonical},
		"read-only sub":   {`{"op":"replace","path":"members[value eq \"x\"].display","value":"y"}`, msgReadOnly},
		"sub of a member": {`{"op":"replace","path":"members.value","value":"y"}`, msgPath},
		"unknown sub":     {`{"op":"remove","path":"members[colour eq \"x\"]"}`, msgPath},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.patch("Group", g, "["+c.op+"]")
			wantError(t, err, 400, c.messageID)
			if m := b.members(g); m != nil {
				t.Errorf("a refused patch left %v", m)
			}
		})
	}
	if got := len(b.names(auditType, "eventId", `eventId eq "admin.group.remove.member.success"`)); got != 10 {
		t.Errorf("%d removals were recorded, want 10", got)
	}
}

func TestReplaceGroupReplacesMembers(t *testing.T) {
	b := newBench(t)
	u := []string{b.user("a"), b.user("b")}
	g := b.create("Group", `{"displayName":"g","members":[{"value":"`+u[0]+`"}]}`)["id"].(string)
	put := func(body string) {
		t.Helper()
		if _, err := b.e.Replace(b.ctx(), admin, "Group", g, doc(t, body), Params{}); err != nil {
			t.Fatal(err)
		}
	}
	full := b.get("Group", g, "members", "displayName")
	put(string(mustJSON(t, full))) // with display, $ref and the rest of what was read
	if got := b.members(g); !slices.Equal(got, u[:1]) {
		t.Errorf("members are %v", got)
	}
	put(`{"displayName":"g","members":[{"value":"` + u[1] + `"}]}`)
	if got := b.members(g); !slices.Equal(got, u[1:]) {
		t.Errorf("members are %v", got)
	}
	put(`{"displayName":"g"}`)
	if got := b.members(g); got != nil {
		t.Errorf("members are %v", got)
	}
}

func TestManyMembers(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxMembersReturned = 30 })
	var users []string
	body := ""
	for i := range 31 {
		users = append(users, b.user(fmt.Sprintf("u%02d", i)))
		body += fmt.Sprintf(`,{"value":%q}`, users[i])
	}
	g := b.create("Group", `{"displayName":"g","members":[`+body[1:]+`]}`)["id"].(string)
	_, err := b.e.Get(b.ctx(), admin, "Group", g, Params{Attributes: []string{"members"}})
	wantError(t, err, 400, msgTooMany)
	var got []string
	for start := 1; start < 40; start += 10 {
		d := b.get("Group", g, fmt.Sprintf("members[startIndex=%d&count=10]", start))
		for _, x := range elements(d["members"]) {
			got = append(got, asMap(x)["value"].(string))
		}
	}
	if !slices.Equal(got, users) {
		t.Errorf("the pages together are %v, want %v", got, users)
	}
	if d := b.get("Group", g, "members[startIndex=1&count=0]"); d["members"] != nil {
		t.Errorf("a page of none is %v", d["members"])
	}
	if d := b.get("Group", g, "members[count=2].value"); len(elements(d["members"])) != 2 {
		t.Errorf("a page of two is %v", d["members"])
	}
	if got := b.names("Group", "id", `members.value eq "`+users[30]+`"`); !slices.Equal(got, []string{g}) {
		t.Errorf("the group of the last member is %v", got)
	}
	// One member more costs a link, not the group.
	err = b.e.View(b.ctx(), admin, func(tx *Tx) error {
		rec, err := tx.Store().Get("Group", g)
		if err != nil {
			return err
		}
		if _, ok := doc(t, string(rec.Data))["members"]; ok {
			t.Error("members are kept in the document, too")
		}
		n, err := tx.Store().CountLinks(store.LinkQuery{Kind: memberKind, From: g})
		if n != 31 {
			t.Errorf("there are %d links", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
