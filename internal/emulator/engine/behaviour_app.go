package engine

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// What the service adds to apps (idcs-behaviour 4.2 and the recordings of the
// collection), and when it lets them go.

const (
	managedAppURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:managedapp:App"
	// publicTemplate is the template of apps without a secret.
	publicTemplate = "CustomBrowserMobileTemplateId"
	clientPublic   = "public"
	secretName     = "clientSecret"
)

// What no source settles about apps: guesses.
const (
	// templateModified is when the templates changed last; recorded for one.
	templateModified = "2018-09-14T11:30:18Z"
	// ownTemplatePrefix begins the ids of the templates without a connector.
	// Apps of other templates are managed, and so are those that are created
	// with the extension of managed apps.
	ownTemplatePrefix = "Custom"
	// resourceTokenExpiry is the accessTokenExpiry of a resource server that
	// names none; one is recorded with it.
	resourceTokenExpiry = "3600"
	// activeAppStatus answers the deletion of an app that is active.
	activeAppStatus = http.StatusBadRequest
	msgActiveApp    = "error.identity.app.cannotDeleteActiveApp"
	// serviceAppStatus answers an attempt to deactivate or delete an app of the
	// service.
	serviceAppStatus = http.StatusForbidden
)

// appFlags are what a new app is unless the request says so, as recorded.
var appFlags = map[string]bool{
	"active": false, "allUrlSchemesAllowed": false, "allowAccessControl": false, "allowOffline": false,
	"isAliasApp": false, "isKerberosRealm": false, "isLoginTarget": true, "isMobileTarget": false,
	"isOAuthClient": false, "isOAuthResource": false, "isSamlServiceProvider": false, "isUnmanagedApp": false,
	"isWebTierPolicy": false, "showInMyApps": true, "disableKmsiTokenAuthentication": false,
	// Only the server sets these.
	"infrastructure": false, "isManagedApp": false, "isOPCService": false, "meterAsOPCService": false, "migrated": false,
}

func appHooks() Hooks {
	return Hooks{
		BeforeCreate: newApp,
		BeforeWrite:  changedApp,
		BeforeDelete: mayDeleteApp,
		AfterDelete:  appGone,
		Derive:       deriveApp,
		Narrow:       narrowApp,
		Sealed:       []string{secretName},
	}
}

// newApp completes a new app. Its name, which is the client id, and its secret
// are generated.
func newApp(c *Change) error {
	setIfAbsent(c.New, "name", c.Tx.e.opts.NewID())
	template, _ := asMap(c.New["basedOnTemplate"])["value"].(string)
	c.New["isManagedApp"] = c.New["isUnmanagedApp"] != true &&
		(c.New[managedAppURN] != nil || template != "" && !strings.HasPrefix(template, ownTemplatePrefix))
	setIfAbsent(c.New, "attrRenderingMetadata", []any{map[string]any{"name": "aliasApps", "visible": false}})
	return settleApp(c)
}

// changedApp keeps a changed app complete. A PUT that does not speak of
// activation leaves it alone.
func changedApp(c *Change) error {
	if c.Replace {
		setIfAbsent(c.New, "active", c.Old["active"])
	}
	if c.Old["active"] == true && c.New["active"] != true {
		if err := ofService(c.Old, "deactivated"); err != nil {
			return err
		}
	}
	return settleApp(c)
}

func settleApp(c *Change) error {
	withAppFlags(c.New)
	template, _ := asMap(c.New["basedOnTemplate"])["value"].(string)
	if c.New["isOAuthClient"] == true {
		kind := "confidential"
		if template == publicTemplate {
			kind = clientPublic
		}
		setIfAbsent(c.New, "clientType", kind)
	}
	switch {
	case c.New["isSamlServiceProvider"] == true:
		setIfAbsent(c.New, "loginMechanism", "SAML")
	case c.New["isFormFill"] == true:
		setIfAbsent(c.New, "loginMechanism", "FORMFILL")
	case c.New["isRadiusApp"] == true:
		setIfAbsent(c.New, "loginMechanism", "RADIUS")
	default:
		setIfAbsent(c.New, "loginMechanism", "OIDC")
	}
	if c.New["isOAuthResource"] == true {
		setIfAbsent(c.New, "accessTokenExpiry", json.Number(resourceTokenExpiry))
	}
	settleScopes(c.New)
	if c.New["clientType"] == any(clientPublic) {
		delete(c.New, secretName)
		return nil
	}
	setIfAbsent(c.New, "trustScope", "Explicit")
	if c.New["isOAuthClient"] == true && c.New[secretName] == nil {
		return c.sealed(secretName, newClientSecret())
	}
	return nil
}

func withAppFlags(doc Document) Document {
	for name, v := range appFlags {
		setIfAbsent(doc, name, v)
	}
	return doc
}

// settleScopes completes the scopes of a resource server: a full name is the
// audience and the name.
func settleScopes(doc Document) {
	audience, _ := doc["audience"].(string)
	scopes := slices.Clone(elements(doc["scopes"]))
	for i, x := range scopes {
		m := maps1(x)
		if name, ok := m["value"].(string); ok {
			m["fqs"] = audience + name
		}
		setIfAbsent(m, "requiresConsent", false)
		scopes[i] = m
	}
	if len(scopes) > 0 {
		doc["scopes"] = scopes
	}
}

// newClientSecret has the form of a UUID, as secrets in the service's samples.
func newClientSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ofService refuses what would take an app of the service away.
func ofService(app Document, done string) error {
	if app["isOPCService"] != true {
		return nil
	}
	name, _ := app["displayName"].(string)
	return fail(serviceAppStatus, "", msgPrevented, "App %q belongs to the service and cannot be %s.", name, done)
}

// mayDeleteApp: an app is deactivated before it is deleted.
func mayDeleteApp(c *Change) error {
	if err := ofService(c.Old, "deleted"); err != nil {
		return err
	}
	if c.Old["active"] == true {
		name, _ := c.Old["displayName"].(string)
		return fail(activeAppStatus, "", msgActiveApp, "App %q is active; deactivate it before you delete it.", name)
	}
	return nil
}

// appGone removes what an app was granted, who was granted the app, and its
// roles.
func appGone(c *Change) error {
	if err := dropGrants(c); err != nil {
		return err
	}
	roles, err := c.Tx.find("AppRole", "app.value", c.ID)
	if err != nil {
		return err
	}
	ti, err := c.Tx.info("AppRole")
	if err != nil {
		return err
	}
	for _, id := range roles {
		if err := c.Tx.erase(ti, id); err != nil {
			return err
		}
	}
	return nil
}

// erase deletes a record that goes with another one: nothing may refuse it,
// and it may have gone with something else already.
func (tx *Tx) erase(ti *typeInfo, id string) error {
	rec, err := tx.st.Get(ti.rt.Name, id)
	if err != nil {
		return ignoreGone(err)
	}
	old, err := decodeRecord(ti, rec)
	if err != nil {
		return err
	}
	c := tx.newChange(ti, id, old, nil)
	if err := tx.st.Delete(ti.rt.Name, id); err != nil {
		return err
	}
	if err := run(ti.hooks.AfterDelete, c); err != nil {
		return err
	}
	return tx.audit(c, "delete", old, nil)
}

// changeAppStatus is AppStatusChanger.
func changeAppStatus(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	app, err := tx.Patch("App", id, []PatchOp{{Op: "replace", Path: "active", Value: in["active"]}}, Params{IfMatch: p.IfMatch})
	if err != nil {
		return nil, err
	}
	key, _ := app.Doc["id"].(string)
	ti.dropReadOnly(in)
	return tx.answerAct(ti, key, app.Doc, in, p)
}

// regenerateSecret is AppClientSecretRegenerator, which is a GET. The former
// secret is of no use from then on.
func regenerateSecret(tx *Tx, ti *typeInfo, id string, p Params) (*Result, error) {
	app, err := tx.info("App")
	if err != nil {
		return nil, err
	}
	rec, old, err := tx.load(app, id)
	if err != nil {
		return nil, err
	}
	if err := p.precondition(rec.Version); err != nil {
		return nil, err
	}
	if old["isOAuthClient"] != true || old["clientType"] == any(clientPublic) {
		return nil, bad(msgNoSecret, "App %q is not a confidential client and has no secret.", rec.ID)
	}
	c := tx.newChange(app, rec.ID, old, cloneDoc(old))
	plain := newClientSecret()
	if err := c.sealed(secretName, plain); err != nil {
		return nil, err
	}
	if err := tx.save(app, rec, c); err != nil {
		return nil, err
	}
	return tx.answerAct(ti, rec.ID, c.New, Document{secretName: plain}, p)
}

// msgNoSecret refuses to make a secret for an app that has none; a guess.
const msgNoSecret = "error.identity.app.noClientSecret"
