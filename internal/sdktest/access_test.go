package sdktest

import (
	"net/http"
	"testing"

	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

const (
	appURN     = "urn:ietf:params:scim:schemas:oracle:idcs:App"
	appRoleURN = "urn:ietf:params:scim:schemas:oracle:idcs:AppRole"
	grantURN   = "urn:ietf:params:scim:schemas:oracle:idcs:Grant"
	statusURN  = "urn:ietf:params:scim:schemas:oracle:idcs:AppStatusChanger"
	userExtURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
)

func createApp(t *testing.T, c identitydomains.IdentityDomainsClient, app identitydomains.App) identitydomains.App {
	t.Helper()
	app.Schemas = []string{appURN}
	made, err := c.CreateApp(t.Context(), identitydomains.CreateAppRequest{App: app})
	if err != nil {
		t.Fatalf("create app: %v", err)
	}
	return made.App
}

func template(id string) *identitydomains.AppBasedOnTemplate {
	return &identitydomains.AppBasedOnTemplate{Value: common.String(id)}
}

// TestAppLifeCycle: an app is created with an id and a secret, activated,
// deactivated and deleted.
func TestAppLifeCycle(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	app := createApp(t, c, identitydomains.App{
		DisplayName: common.String("Payroll"), BasedOnTemplate: template("CustomWebAppTemplateId"),
		IsOAuthClient: common.Bool(true), ClientType: identitydomains.AppClientTypeConfidential, AllowedGrants: []string{"client_credentials"},
	})
	if value(app.Name) == "" || value(app.ClientSecret) == "" || *app.Active || app.LoginMechanism == "" {
		t.Errorf("a new app: %v", app)
	}
	status := func(active bool) {
		t.Helper()
		_, err := c.PutAppStatusChanger(ctx, identitydomains.PutAppStatusChangerRequest{
			AppStatusChangerId: app.Id,
			AppStatusChanger:   identitydomains.AppStatusChanger{Schemas: []string{statusURN}, Active: common.Bool(active)},
		})
		if err != nil {
			t.Fatalf("status %v: %v", active, err)
		}
		got, err := c.GetApp(ctx, identitydomains.GetAppRequest{AppId: app.Id})
		if err != nil || *got.Active != active || value(got.ClientSecret) != value(app.ClientSecret) {
			t.Errorf("after status %v: %v, %v", active, got.App, err)
		}
	}
	status(true)
	_, err := c.DeleteApp(ctx, identitydomains.DeleteAppRequest{AppId: app.Id})
	wantStatus(t, "delete an active app", err, http.StatusBadRequest)
	status(false)
	if _, err := c.DeleteApp(ctx, identitydomains.DeleteAppRequest{AppId: app.Id}); err != nil {
		t.Fatal(err)
	}
}

// TestAccess: roles and apps are granted to users, groups and apps, and all of
// them show it.
func TestAccess(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	ada := createUser(t, c, person("ada.lovelace@example.com"))
	crew := createGroup(t, c, "Crew", *ada.Id)
	app := createApp(t, c, identitydomains.App{DisplayName: common.String("Payroll"), BasedOnTemplate: template("CustomWebAppTemplateId")})
	robot := createApp(t, c, identitydomains.App{
		DisplayName: common.String("Robot"), BasedOnTemplate: template("CustomWebAppTemplateId"), IsOAuthClient: common.Bool(true),
	})
	ledger := createApp(t, c, identitydomains.App{DisplayName: common.String("Ledger"), BasedOnTemplate: template("ExampleConnectorId")})
	role, err := c.CreateAppRole(ctx, identitydomains.CreateAppRoleRequest{AppRole: identitydomains.AppRole{
		Schemas: []string{appRoleURN}, DisplayName: common.String("Approver"), App: &identitydomains.AppRoleApp{Value: app.Id},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if value(role.UniqueName) != *app.Id+"_Approver" {
		t.Errorf("uniqueName %q", value(role.UniqueName))
	}
	grant := func(mechanism identitydomains.GrantGrantMechanismEnum, kind identitydomains.GrantGranteeTypeEnum, grantee, app, role *string) (*string, error) {
		g := identitydomains.Grant{
			Schemas: []string{grantURN}, GrantMechanism: mechanism, App: &identitydomains.GrantApp{Value: app},
			Grantee: &identitydomains.GrantGrantee{Type: kind, Value: grantee},
		}
		if role != nil {
			g.Entitlement = &identitydomains.GrantEntitlement{AttributeName: common.String("appRoles"), AttributeValue: role}
		}
		made, err := c.CreateGrant(ctx, identitydomains.CreateGrantRequest{Grant: g})
		return made.Id, err
	}
	must := func(id *string, err error) *string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	must(grant(identitydomains.GrantGrantMechanismAdministratorToUser, identitydomains.GrantGranteeTypeUser, ada.Id, app.Id, role.Id))
	must(grant(identitydomains.GrantGrantMechanismAdministratorToGroup, identitydomains.GrantGranteeTypeGroup, crew.Id, app.Id, role.Id))
	must(grant(identitydomains.GrantGrantMechanismAdministratorToApp, identitydomains.GrantGranteeTypeApp, robot.Id, app.Id, role.Id))
	byGroup := must(grant(identitydomains.GrantGrantMechanismAdministratorToGroup, identitydomains.GrantGranteeTypeGroup, crew.Id, ledger.Id, nil))
	_, err = grant(identitydomains.GrantGrantMechanismAdministratorToUser, identitydomains.GrantGranteeTypeUser, ada.Id, app.Id, role.Id)
	wantStatus(t, "again", err, http.StatusConflict)
	_, err = grant(identitydomains.GrantGrantMechanismAdministratorToUser, identitydomains.GrantGranteeTypeUser, ada.Id, ledger.Id, role.Id)
	wantStatus(t, "a role of another app", err, http.StatusBadRequest)
	_, err = grant(identitydomains.GrantGrantMechanismGroupMembership, identitydomains.GrantGranteeTypeUser, ada.Id, ledger.Id, nil)
	wantStatus(t, "a mechanism of the service", err, http.StatusBadRequest)

	holders, err := c.GetAppRole(ctx, identitydomains.GetAppRoleRequest{AppRoleId: role.Id, Attributes: common.String("members")})
	if err != nil || len(holders.Members) != 2 {
		t.Errorf("members of the role: %v, %v", holders.Members, err)
	}
	user := func() *identitydomains.ExtensionUserUser {
		t.Helper()
		got, err := c.GetUser(ctx, identitydomains.GetUserRequest{UserId: ada.Id, Attributes: common.String(
			userExtURN + ":grants," + userExtURN + ":appRoles," + userExtURN + ":accounts")})
		if err != nil || got.UrnIetfParamsScimSchemasOracleIdcsExtensionUserUser == nil {
			t.Fatalf("the user: %v, %v", got, err)
		}
		return got.UrnIetfParamsScimSchemasOracleIdcsExtensionUserUser
	}
	u := user()
	if len(u.Grants) != 2 || len(u.AppRoles) != 1 || len(u.Accounts) != 1 || value(u.Accounts[0].AppId) != *ledger.Id {
		t.Errorf("the user has grants %v, roles %v, accounts %v", u.Grants, u.AppRoles, u.Accounts)
	}
	client, err := c.GetApp(ctx, identitydomains.GetAppRequest{AppId: robot.Id})
	if err != nil || len(client.GrantedAppRoles) != 1 || value(client.GrantedAppRoles[0].AppId) != *app.Id {
		t.Errorf("roles of the client: %v, %v", client.GrantedAppRoles, err)
	}
	remove := op(identitydomains.OperationsOpRemove, `members[value eq "`+*ada.Id+`"]`, nil)
	if _, err := c.PatchGroup(ctx, identitydomains.PatchGroupRequest{GroupId: crew.Id, PatchOp: patch(remove)}); err != nil {
		t.Fatal(err)
	}
	if u := user(); len(u.Grants) != 1 || len(u.Accounts) != 0 {
		t.Errorf("outside of the group the user has grants %v, accounts %v", u.Grants, u.Accounts)
	}
	if _, err := c.DeleteGrant(ctx, identitydomains.DeleteGrantRequest{GrantId: byGroup}); err != nil {
		t.Fatal(err)
	}
	all, err := c.ListGrants(ctx, identitydomains.ListGrantsRequest{Filter: common.String(`app.value eq "` + *ledger.Id + `"`)})
	if err != nil || len(all.Resources) != 0 {
		t.Errorf("grants of the app: %v, %v", all.Resources, err)
	}
}
