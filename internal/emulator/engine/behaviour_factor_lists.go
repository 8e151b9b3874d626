package engine

import (
	"errors"
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// ownedList is an attribute of users that lists records of another type.
type ownedList struct {
	urn, name, typ string
}

// ownedLists are these attributes. Nothing of them is stored with the user.
var ownedLists = []ownedList{
	{mfaURN, "devices", "Device"},
	{mfaURN, "bypassCodes", "BypassCode"},
	{mfaURN, "trustedUserAgents", "TrustedUserAgent"},
	{userCredentialsURN, "dbCredentials", "UserDbCredential"},
	{userCredentialsURN, "customerSecretKeys", "CustomerSecretKey"},
	{userCredentialsURN, "authTokens", "AuthToken"},
	{userCredentialsURN, "smtpCredentials", "SmtpCredential"},
	{userCredentialsURN, "apiKeys", "ApiKey"},
	{userCredentialsURN, "oAuth2ClientCredentials", "OAuth2ClientCredential"},
}

// deriveOwned adds the lists that an answer or a filter asks for. All of them
// are shown on request only, so that an ordinary answer costs nothing.
func deriveOwned(tx *Tx, id string, doc Document, w *wanted) error {
	if w.proj != nil && !w.proj.classes[schema.ReturnedRequest] && len(w.proj.picks) == 0 {
		return nil
	}
	var all map[string][]string
	for _, l := range ownedLists {
		if w.proj == nil && !w.attrs[l.urn+":"+l.name] {
			continue
		}
		set := w.ti.set(l.urn)
		if set == nil || !w.has(set.get(l.name)) {
			continue
		}
		if all == nil {
			var err error
			if all, err = tx.owned(id); err != nil {
				return err
			}
		}
		if len(all[l.typ]) == 0 {
			continue
		}
		var list []any
		for _, rec := range all[l.typ] {
			m := map[string]any{"value": rec}
			if err := tx.describeOwned(l.typ, m); err != nil {
				return err
			}
			list = append(list, m)
		}
		setValue(doc, set.get(l.name), list)
		schemas := elements(doc["schemas"])
		if !slices.Contains(schemas, any(l.urn)) {
			doc["schemas"] = append(append([]any{}, schemas...), l.urn)
		}
	}
	return nil
}

// describeOwned says of a listed device or trusted user agent what the user's
// schema has attributes for.
func (tx *Tx) describeOwned(typ string, m map[string]any) error {
	if typ != "Device" && typ != "TrustedUserAgent" {
		return nil
	}
	rec, err := tx.st.Get(typ, m["value"].(string))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return errors.Join(store.ErrCorrupt, err)
	}
	if typ == "TrustedUserAgent" {
		setIfAbsent(m, "display", doc["name"])
		return nil
	}
	setIfAbsent(m, "display", doc["displayName"])
	setIfAbsent(m, "status", doc["status"])
	setIfAbsent(m, "lastSyncTime", doc["lastSyncTime"])
	setIfAbsent(m, "authenticationMethod", doc["authenticationMethod"])
	setIfAbsent(m, "thirdPartyVendorName", asMap(doc["thirdPartyFactor"])["thirdPartyVendorName"])
	for _, x := range elements(doc["authenticationFactors"]) {
		setIfAbsent(m, "factorType", asMap(x)["type"])
		setIfAbsent(m, "factorStatus", asMap(x)["status"])
	}
	return nil
}
