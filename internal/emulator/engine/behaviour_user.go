package engine

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Extensions of users that behaviours touch.
const (
	enterpriseURN    = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	userURN          = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	userStateURN     = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	passwordStateURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:passwordState:User" //nolint:gosec // a schema
	capabilitiesURN  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:capabilities:User"
	selfChangeURN    = "urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User"
)

// capabilities are those a new user has, all of them.
var capabilities = []string{
	"canUseApiKeys", "canUseAuthTokens", "canUseConsolePassword", "canUseCustomerSecretKeys",
	"canUseOAuth2ClientCredentials", "canUseSmtpCredentials", "canUseDbCredentials", "canUseConsole",
}

func userHooks() Hooks {
	return Hooks{
		BeforeCreate: newUser,
		BeforeWrite:  changedUser,
		AfterCreate:  welcomeUser,
		AfterWrite:   userChanged,
		BeforeDelete: mayDelete,
		AfterDelete:  userGone,
		Derive:       deriveUser,
		Derives:      append(accessPaths(userURN), "groups", passwordStateURN, userStateURN+":locked.expired"),
		ShowsStored:  true,
		Narrow: func(tx *Tx, n narrow) ([]string, bool, error) {
			if n.attr.urn == userURN {
				return narrowAccess(tx, userURN, "User", n)
			}
			return narrowGroups(tx, n)
		},
	}
}

// newUser adds what the service adds to a new user (idcs-behaviour 3.1).
func newUser(c *Change) error {
	if !c.plain() {
		if err := requirePrimaryEmail(c); err != nil {
			return err
		}
		addRecoveryEmail(c.New)
		completeContacts(c.New, true)
		nameUser(c.New, nil)
	}
	if c.New["active"] == nil {
		c.New["active"] = true
	}
	ext := extension(c.New, userURN)
	setIfAbsent(ext, "isFederatedUser", false)
	setIfAbsent(ext, "creationMechanism", "api")
	ext["status"] = "verified"
	state := extension(c.New, userStateURN)
	setIfAbsent(state, "locked", map[string]any{"on": false})
	password := extension(c.New, passwordStateURN)
	password["mustChange"] = true
	password["cantChange"] = false
	password["expired"] = false
	if err := newPassword(c); err != nil {
		return err
	}
	can := extension(c.New, capabilitiesURN)
	for _, name := range capabilities {
		setIfAbsent(can, name, true)
	}
	delete(c.New, selfChangeURN) // a permission of this request, not of the user
	return nil
}

// changedUser keeps a changed user complete.
func changedUser(c *Change) error {
	if !c.plain() {
		if err := c.Tx.ownChange(c.ID, c.New, Params{}); err != nil {
			return err
		}
		if err := requirePrimaryEmail(c); err != nil {
			return err
		}
	}
	if c.Replace {
		if !c.plain() {
			addRecoveryEmail(c.New)
		}
		// A PUT that does not speak of activation or of the server's own
		// state leaves them alone.
		setIfAbsent(c.New, "active", c.Old["active"])
		for _, urn := range []string{userURN, userStateURN, capabilitiesURN} {
			old := asMap(c.Old[urn])
			for _, name := range append([]string{"isFederatedUser", "locked"}, capabilities...) {
				if v, ok := old[name]; ok {
					setIfAbsent(extension(c.New, urn), name, clone(v))
				}
			}
		}
	}
	if !c.plain() {
		completeContacts(c.New, false)
		nameUser(c.New, c.Old)
	}
	delete(c.New, selfChangeURN)
	c.keepPassword()
	c.settleLock()
	c.settlePassword()
	return newPassword(c)
}

func requirePrimaryEmail(c *Change) error {
	for _, x := range elements(c.New["emails"]) {
		m := asMap(x)
		if p, _ := m["primary"].(bool); p && m["value"] != nil && m["value"] != "" {
			return nil
		}
	}
	required, err := c.Tx.setting("IdentitySetting", "primaryEmailRequired")
	if err != nil {
		return err
	}
	if required == false {
		return nil
	}
	return bad(msgNoPrimaryEmail, "A primary email address is required for the user.")
}

// addRecoveryEmail adds a recovery address equal to the primary one.
func addRecoveryEmail(doc Document) {
	emails := elements(doc["emails"])
	primary := ""
	for _, x := range emails {
		m := asMap(x)
		if typ, _ := m["type"].(string); strings.EqualFold(typ, "recovery") {
			return
		}
		if p, _ := m["primary"].(bool); p {
			primary, _ = m["value"].(string)
		}
	}
	if primary == "" {
		return
	}
	doc["emails"] = append(slices.Clone(emails), map[string]any{
		"value": primary, "type": "recovery", "primary": false, "verified": false,
	})
}

// completeContacts says of every address and phone number what recorded answers
// say of each, also where nobody sent it. What a number is shown as is the
// server's to say: it follows the number. own says that nobody else has the
// document's elements.
func completeContacts(doc Document, own bool) {
	complete := func(name string, f func(m map[string]any)) {
		list := slices.Clone(elements(doc[name]))
		for i, x := range list {
			m := asMap(x)
			if !own || m == nil {
				m = maps1(x)
			}
			f(m)
			list[i] = m
		}
		if len(list) > 0 {
			doc[name] = list
		}
	}
	complete("emails", func(m map[string]any) {
		for _, flag := range []string{"primary", "secondary", "verified"} {
			setIfAbsent(m, flag, false)
		}
	})
	complete("phoneNumbers", func(m map[string]any) {
		setIfAbsent(m, "primary", false)
		setIfAbsent(m, "verified", false)
		if v := m["value"]; v != nil {
			m["display"] = v
		}
	})
}

// nameUser fills in displayName and name.formatted. Where the former ones were
// made of the former name, they follow it.
func nameUser(doc, old Document) {
	full := fullName(doc)
	was := fullName(old)
	if full == "" {
		return
	}
	name := maps1(doc["name"])
	formatted, _ := name["formatted"].(string)
	if formatted == "" || old != nil && full != was && formatted == was && asMap(old["name"])["formatted"] == any(was) {
		name["formatted"] = full
		doc["name"] = name
	}
	display, _ := doc["displayName"].(string)
	if display == "" || old != nil && full != was && display == was && old["displayName"] == any(was) {
		doc["displayName"] = full
	}
}

// maxMadeName is how long a name can be that is made of others: as long as one
// that is sent. What the service makes by itself must not be what it refuses.
const maxMadeName = 4000

func fullName(doc Document) string {
	name := asMap(doc["name"])
	given, _ := name["givenName"].(string)
	family, _ := name["familyName"].(string)
	full := strings.TrimSpace(given + " " + family)
	if runes := []rune(full); len(full) > maxMadeName && len(runes) > maxMadeName {
		return strings.TrimSpace(string(runes[:maxMadeName]))
	}
	return full
}

func extension(doc Document, urn string) map[string]any {
	m, ok := doc[urn].(map[string]any)
	if !ok {
		m = map[string]any{}
		doc[urn] = m
	}
	return m
}

func setIfAbsent(m map[string]any, name string, v any) {
	if _, ok := m[name]; !ok && v != nil {
		m[name] = v
	}
}

// deriveUser adds what is known of a user elsewhere.
func deriveUser(tx *Tx, id string, doc Document, w *wanted) error {
	if err := deriveGroups(tx, id, doc, w); err != nil {
		return err
	}
	if err := deriveLock(tx, id, doc, w); err != nil {
		return err
	}
	if err := tx.deriveAccess(userURN, id, doc, w); err != nil {
		return err
	}
	return derivePasswordState(tx, id, doc, w)
}

// userGone removes what belongs to a user: memberships, grants and, with
// force, the references of reports.
func userGone(c *Change) error {
	var groups []string
	for link, err := range c.Tx.st.Links(store.LinkQuery{Kind: memberKind, To: c.ID}) {
		if err != nil {
			return err
		}
		groups = append(groups, link.From)
	}
	for _, group := range groups {
		if _, err := c.Tx.st.DeleteLink(memberKind, group, c.ID); err != nil {
			return err
		}
	}
	if clearReports && c.Force {
		if err := clearManager(c); err != nil {
			return err
		}
	}
	if err := c.Tx.forgetPasswords(c.ID); err != nil {
		return err
	}
	if err := dropLinks(c); err != nil {
		return err
	}
	return dropGrants(c)
}

func clearManager(c *Change) error {
	ids, err := c.Tx.find(c.Type, enterpriseURN+":manager.value", c.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		op := PatchOp{Op: "remove", Path: enterpriseURN + ":manager"}
		if _, err := c.Tx.Patch(c.Type, id, []PatchOp{op}, Params{}); err != nil {
			return err
		}
	}
	return nil
}

// find answers the ids of records by an indexed reference.
func (tx *Tx) find(typ, path, id string) ([]string, error) {
	q := store.Query{Type: typ, Conds: []store.Cond{{Path: path, Rel: store.Eq, Value: id}}}
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	for _, ip := range ti.index {
		if ip.path == path && !ip.attr.CaseExact {
			q.Conds[0].Value = fold(id)
		}
	}
	var ids []string
	for row, err := range tx.st.Query(q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, row.ID)
	}
	return ids, nil
}
