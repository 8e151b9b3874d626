package engine

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accessBench is a domain with one of everything that grants speak of.
type accessBench struct {
	*bench
	user, group, app, managed, client, role, closed, foreign string
}

func newAccessBench(t *testing.T) *accessBench {
	t.Helper()
	b := &accessBench{bench: newBench(t)}
	b.user = b.bench.user("ada")
	b.group = b.id("Group", `{"displayName":"crew","members":[{"value":"`+b.user+`"}]}`)
	b.app = b.id("App", `{"displayName":"Payroll","basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`)
	b.managed = b.id("App", `{"displayName":"Ledger","basedOnTemplate":{"value":"ExampleConnectorId"}}`)
	b.client = b.id("App", `{"displayName":"Robot","isOAuthClient":true,"basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`)
	b.role = b.id("AppRole", `{"displayName":"Approver","app":{"value":"`+b.app+`"}}`)
	b.closed = b.id("AppRole", `{"displayName":"Closed","availableToUsers":false,"availableToGroups":false,"availableToClients":false,"app":{"value":"`+b.app+`"}}`)
	b.foreign = b.id("AppRole", `{"displayName":"Approver","app":{"value":"`+b.managed+`"}}`)
	return b
}

func (b *accessBench) id(typ, text string) string {
	b.Helper()
	return b.create(typ, text)["id"].(string)
}

func grantText(mechanism, kind, grantee, app, role string) string {
	text := fmt.Sprintf(`{"grantMechanism":%q,"grantee":{"type":%q,"value":%q},"app":{"value":%q}`, mechanism, kind, grantee, app)
	if role != "" {
		text += `,"entitlement":{"attributeName":"appRoles","attributeValue":"` + role + `"}`
	}
	return text + "}"
}

func TestGrantIsRefused(t *testing.T) {
	b := newAccessBench(t)
	for name, tt := range map[string]struct {
		text   string
		status int
		msg    string
	}{
		"mechanism of the server": {grantText(byMembership, "User", b.user, b.app, ""), 400, msgMechanism},
		"other mechanism of it":   {grantText("ACCESS_REQUEST", "User", b.user, b.app, ""), 400, msgMechanism},
		"mechanism for groups":    {grantText("ADMINISTRATOR_TO_GROUP", "User", b.user, b.app, ""), 400, msgMechanism},
		"no mechanism":            {`{"grantee":{"type":"User","value":"` + b.user + `"},"app":{"value":"` + b.app + `"}}`, 400, msgMissingAttributes},
		"no app":                  {`{"grantMechanism":"ADMINISTRATOR_TO_USER","grantee":{"type":"User","value":"` + b.user + `"}}`, 400, msgMissingAttributes},
		"unknown user":            {grantText("ADMINISTRATOR_TO_USER", "User", "ff", b.app, ""), 400, msgReference},
		"a group that is a user":  {grantText("ADMINISTRATOR_TO_GROUP", "Group", b.user, b.app, ""), 400, msgReference},
		"unknown app":             {grantText("ADMINISTRATOR_TO_USER", "User", b.user, "ff", ""), 400, msgReference},
		"unknown role":            {grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, "ff"), 400, msgReference},
		"role of another app":     {grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, b.foreign), 400, msgEntitlement},
		"role not for users":      {grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, b.closed), 400, msgNotAvailable},
		"role not for groups":     {grantText("ADMINISTRATOR_TO_GROUP", "Group", b.group, b.app, b.closed), 400, msgNotAvailable},
		"role not for clients":    {grantText("ADMINISTRATOR_TO_APP", "App", b.client, b.app, b.closed), 400, msgNotAvailable},
		"an app without a role":   {grantText("ADMINISTRATOR_TO_APP", "App", b.client, b.app, ""), 400, msgMissingAttributes},
		"another kind of entitlement": {
			strings.Replace(grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, b.role), `"appRoles"`, `"groups"`, 1), 400, msgEntitlement,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.e.Create(b.ctx(), admin, "Grant", doc(t, tt.text), Params{})
			wantError(t, err, tt.status, tt.msg)
		})
	}
	if got := b.names("Grant", "id", `app.value eq "`+b.app+`"`); got != nil {
		t.Errorf("refused grants were made: %v", got)
	}
}

func TestGrantAgain(t *testing.T) {
	b := newAccessBench(t)
	for name, tt := range map[string]struct {
		text   string
		repeat bool
	}{
		"role to a user":  {grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, b.role), false},
		"app to a user":   {grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, ""), false},
		"role to a group": {grantText("ADMINISTRATOR_TO_GROUP", "Group", b.group, b.app, b.role), true},
		"app to a group":  {grantText("ADMINISTRATOR_TO_GROUP", "Group", b.group, b.managed, ""), false},
		"role to an app":  {grantText("ADMINISTRATOR_TO_APP", "App", b.client, b.app, b.role), false},
	} {
		t.Run(name, func(t *testing.T) {
			first := b.create("Grant", tt.text)
			if first["isFulfilled"] != true || asMap(first["grantor"])["value"] != any(admin.Actor.ID) {
				t.Errorf("the grant is %v", first)
			}
			again, err := b.e.Create(b.ctx(), admin, "Grant", doc(t, tt.text), Params{})
			if !tt.repeat {
				wantError(t, err, http.StatusConflict, msgDuplicate)
			} else if err != nil || again.Doc["id"] != first["id"] {
				t.Errorf("again: %v, %v", again, err)
			}
			// A change is a deletion and a creation.
			_, err = b.patch("Grant", first["id"].(string), `[{"op":"replace","path":"grantMechanism","value":"IMPORT_GRANTS"}]`)
			wantError(t, err, http.StatusBadRequest, msgImmutable)
			if err := b.e.Delete(b.ctx(), admin, "Grant", first["id"].(string), Params{}); err != nil {
				t.Fatal(err)
			}
			b.create("Grant", tt.text)
		})
	}
}

// TestGrantByGroup: a role that is held directly and by a group is lost when
// both are gone; a grant that follows a membership goes with it alone.
func TestGrantByGroup(t *testing.T) {
	b := newAccessBench(t)
	roles := func() []string {
		var out []string
		for _, x := range elements(asMap(b.get("User", b.user, userURN+":appRoles.value", userURN+":appRoles.type")[userURN])["appRoles"]) {
			out = append(out, fmt.Sprint(asMap(x)["type"]))
		}
		return out
	}
	direct := b.id("Grant", grantText("ADMINISTRATOR_TO_USER", "User", b.user, b.app, b.role))
	byGroup := b.id("Grant", grantText("ADMINISTRATOR_TO_GROUP", "Group", b.group, b.app, b.role))
	if got := roles(); !slices.Equal(got, []string{"direct"}) {
		t.Errorf("roles are %v", got)
	}
	if err := b.e.Delete(b.ctx(), admin, "Grant", direct, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := roles(); !slices.Equal(got, []string{"indirect"}) {
		t.Errorf("roles are %v", got)
	}
	if err := b.e.Delete(b.ctx(), admin, "Grant", byGroup, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := roles(); got != nil {
		t.Errorf("roles are %v", got)
	}

	b.id("Grant", grantText("ADMINISTRATOR_TO_GROUP", "Group", b.group, b.managed, ""))
	followers := b.names("Grant", "id", `grantMechanism eq "GROUP_MEMBERSHIP"`)
	if len(followers) != 1 {
		t.Fatalf("grants that follow: %v", followers)
	}
	got := b.get("Grant", followers[0])
	if d := cmp.Diff(map[string]any{"type": "Group", "value": b.group, "$ref": admin.BaseURL + "/admin/v1/Groups/" + b.group}, got["grantor"]); d != "" {
		t.Errorf("grantor (-want +got):\n%s", d)
	}
	err := b.e.Delete(b.ctx(), admin, "Grant", followers[0], Params{Force: true})
	wantError(t, err, derivedGrantStatus, msgDerived)
	if n := b.names(accountType, "name", `app.value eq "`+b.managed+`"`); !slices.Equal(n, []string{"ada"}) {
		t.Errorf("accounts: %v", n)
	}
	if _, err := b.patch("Group", b.group, `[{"op":"remove","path":"members[value eq \"`+b.user+`\"]"}]`); err != nil {
		t.Fatal(err)
	}
	if n := b.names(accountType, "name", ""); n != nil {
		t.Errorf("accounts: %v", n)
	}
	events := b.names(auditType, "eventId", `adminResourceType eq "Account"`)
	if !slices.Equal(events, []string{"admin.account.create.success", "admin.account.delete.success"}) {
		t.Errorf("events: %v", events)
	}
	events = b.names(auditType, "eventId", `eventId sw "admin.approle." and adminResourceId eq "`+b.role+`"`)
	if want := []string{"add", "add", "remove", "remove"}; len(events) != len(want)+1 {
		t.Errorf("events: %v", events)
	}
}

func TestApp(t *testing.T) {
	b := newAccessBench(t)
	app := b.get("App", b.client)
	secret, _ := app["clientSecret"].(string)
	name, _ := app["name"].(string)
	if len(secret) != 36 || len(name) != 32 || app["active"] != false || app["clientType"] != "confidential" || app["trustScope"] != "Explicit" {
		t.Errorf("a client is %s", mustJSON(t, app))
	}
	if strings.Contains(b.stored(), secret) {
		t.Error("the secret is stored as it is")
	}
	for _, id := range []string{b.app, b.id("App", `{"displayName":"Page","isOAuthClient":true,"basedOnTemplate":{"value":"CustomBrowserMobileTemplateId"}}`)} {
		if got := b.get("App", id)["clientSecret"]; got != nil {
			t.Errorf("an app that is no confidential client has the secret %v", got)
		}
		_, err := b.e.Get(b.ctx(), admin, "AppClientSecretRegenerator", id, Params{})
		wantError(t, err, http.StatusBadRequest, msgNoSecret)
	}
	res, err := b.e.Get(b.ctx(), admin, "AppClientSecretRegenerator", b.client, Params{})
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := res.Doc["clientSecret"].(string)
	if got := b.get("App", b.client)["clientSecret"]; fresh == secret || got != any(fresh) {
		t.Errorf("the new secret is %q, the app says %v", fresh, got)
	}
	for _, s := range b.names(auditType, "adminValuesAdded", `adminResourceId eq "`+b.client+`"`) {
		if strings.Contains(s, `"clientSecret":"`) && !strings.Contains(s, `"clientSecret":"`+maskedValue) {
			t.Errorf("the audit event has the secret: %s", s)
		}
	}

	set := func(active string) error {
		_, err := b.e.Replace(b.ctx(), admin, "AppStatusChanger", b.client, doc(t, `{"active":`+active+`}`), Params{})
		return err
	}
	if err := set("true"); err != nil || b.get("App", b.client)["active"] != true {
		t.Fatalf("activate: %v", err)
	}
	wantError(t, b.e.Delete(b.ctx(), admin, "App", b.client, Params{Force: true}), activeAppStatus, msgActiveApp)
	if err := set("false"); err != nil {
		t.Fatal(err)
	}
	if err := b.e.Delete(b.ctx(), admin, "App", b.client, Params{}); err != nil {
		t.Fatal(err)
	}
	_, err = b.e.Create(b.ctx(), admin, "App", doc(t, `{"displayName":"PAYROLL","basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`), Params{})
	wantError(t, err, http.StatusConflict, msgDuplicate)
	_, err = b.e.Create(b.ctx(), admin, "AppRole", doc(t, `{"displayName":"Approver","app":{"value":"`+b.app+`"}}`), Params{})
	wantError(t, err, http.StatusConflict, msgDuplicate)
}

func TestServiceAppStays(t *testing.T) {
	b := newBench(t)
	if roles := b.names("AppRole", "displayName", `app.value eq "IDCSAppId" and displayName eq "User Manager"`); len(roles) != 1 {
		t.Fatal(roles)
	}
	b.get("App", "IDCSAppId")
	_, err := b.e.Replace(b.ctx(), admin, "AppStatusChanger", "IDCSAppId", doc(t, `{"active":false}`), Params{})
	wantError(t, err, serviceAppStatus, msgPrevented)
	wantError(t, b.e.Delete(b.ctx(), admin, "App", "IDCSAppId", Params{Force: true}), serviceAppStatus, msgPrevented)
	for _, role := range b.names("AppRole", "id", `displayName eq "User Manager"`) {
		wantError(t, b.e.Delete(b.ctx(), admin, "AppRole", role, Params{}), http.StatusForbidden, msgPrevented)
	}
}

func TestScopes(t *testing.T) {
	b := newBench(t)
	server := b.create("App", `{"displayName":"API","isOAuthResource":true,"audience":"https://api.example.com","scopes":[{"value":"/read"}],
		"basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`)
	if got := asMap(elements(server["scopes"])[0])["fqs"]; got != "https://api.example.com/read" {
		t.Errorf("fqs is %v", got)
	}
	client := b.create("App", `{"displayName":"Robot","isOAuthClient":true,"allowedScopes":[{"fqs":"https://api.example.com/read"},{"fqs":"x"}],
		"basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`)
	got := b.names("App", "id", `allowedScopes.idOfDefiningApp eq "`+server["id"].(string)+`"`)
	if !slices.Equal(got, []string{client["id"].(string)}) {
		t.Errorf("clients of the resource server are %v", got)
	}
}

func TestRoleMembersArePaged(t *testing.T) {
	b := newAccessBench(t)
	b.e.opts.MaxMembersReturned = 3
	for i := range 5 {
		b.id("Grant", grantText("ADMINISTRATOR_TO_USER", "User", b.bench.user(fmt.Sprintf("m%d", i)), b.app, b.role))
	}
	_, err := b.e.Get(b.ctx(), admin, "AppRole", b.role, Params{Attributes: []string{"members"}})
	wantError(t, err, http.StatusBadRequest, msgTooMany)
	page := elements(b.get("AppRole", b.role, "members[startIndex=4&count=3]")["members"])
	if len(page) != 2 || asMap(page[0])["display"] != "Given m3" {
		t.Errorf("the second page is %v", page)
	}
	if got := b.get("AppRole", b.role)["members"]; got != nil {
		t.Errorf("members that nobody asked for: %v", got)
	}
}
