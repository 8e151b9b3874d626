package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

// The singleton that says which mails go out.
const (
	notificationType     = "NotificationSetting"
	notificationSettings = "NotificationSettings"
)

// Settings of the domain that other behaviours ask for.

// Lifetimes of links, in minutes (idcs-behaviour 3.5): those of the facts are
// from 1 to 30 days for an activation and up to 720 hours for a reset, which is
// the same.
const maxTokenLife = 30 * 24 * 60

// What no source says of the settings.
const (
	// defaultTokenLife is for how many minutes a link of any kind is valid: 7
	// days.
	defaultTokenLife = 7 * 24 * 60
	// minTokenLife is the shortest that can be set.
	minTokenLife = 1
	// senderAddress is the sender of mails in a fresh domain.
	senderAddress = "no-reply@example.com"
)

// tokenKinds are the kinds of links that have a lifetime of their own.
func tokenKinds() []string {
	return []string{LinkCreateUser, LinkPasswordReset, LinkEmailVerification}
}

// initialIdentitySettings are those of a fresh domain. That a primary address
// is required, and that nobody learns that a user is locked, is documented; the
// other values are guesses.
func initialIdentitySettings() Document {
	var tokens []any
	for _, kind := range tokenKinds() {
		tokens = append(tokens, map[string]any{"type": kind, "expiresAfter": jsonInt(defaultTokenLife)})
	}
	return Document{
		"primaryEmailRequired":              true,
		"emitLockedMessageWhenUserIsLocked": false,
		"returnInactiveOverLockedMessage":   false,
		"tokens":                            tokens,
	}
}

// checkIdentitySettings refuses lifetimes that the service does not have.
func checkIdentitySettings(c *Change) error {
	for _, x := range elements(c.New["tokens"]) {
		m := asMap(x)
		if m["expiresAfter"] == nil {
			continue
		}
		if n, ok := wholeNumber(m["expiresAfter"]); !ok || n < minTokenLife || n > maxTokenLife {
			return bad(msgRange, "Attribute tokens.expiresAfter of %v must lie between %d and %d minutes.", m["type"], minTokenLife, maxTokenLife)
		}
	}
	return nil
}

// initialNotificationSettings lets every kind of mail go out. The kinds are
// documented; that their event ids are the names of the templates is a guess.
func initialNotificationSettings() Document {
	var events []any
	for _, kind := range MailKinds() {
		events = append(events, map[string]any{"eventId": kind, "enabled": true})
	}
	return Document{
		"notificationEnabled": true,
		"fromEmailAddress":    map[string]any{"value": senderAddress, "validate": "email", "validationStatus": "VERIFIED"},
		"eventSettings":       events,
		"testModeEnabled":     false,
	}
}

// checkNotificationSettings refuses kinds of mail that there are not.
func checkNotificationSettings(c *Change) error {
	for _, x := range elements(c.New["eventSettings"]) {
		id, _ := asMap(x)["eventId"].(string)
		if !slices.ContainsFunc(MailKinds(), func(kind string) bool { return strings.EqualFold(kind, id) }) {
			return bad(msgCanonical, "Attribute eventSettings.eventId must be one of %s, not %q.", strings.Join(MailKinds(), ", "), id)
		}
	}
	// Who validated an address is the server's to say: it stays while the
	// address does.
	from := maps1(c.New["fromEmailAddress"])
	was := asMap(c.Old["fromEmailAddress"])
	from["validationStatus"] = "PENDING"
	if from["value"] == was["value"] && was["validationStatus"] != nil {
		from["validationStatus"] = was["validationStatus"]
	}
	c.New["fromEmailAddress"] = from
	return nil
}

// notify says whether mails of a kind go out. Without a record of the settings,
// which few domains have, all do.
func (tx *Tx) notify(kind string) (bool, error) {
	rec, err := tx.st.Get(notificationType, notificationSettings)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return false, fmt.Errorf("%s: %w: %w", notificationSettings, store.ErrCorrupt, err)
	}
	if doc["notificationEnabled"] == false {
		return false, nil
	}
	for _, x := range elements(doc["eventSettings"]) {
		m := asMap(x)
		if id, _ := m["eventId"].(string); strings.EqualFold(id, kind) {
			return m["enabled"] != false, nil
		}
	}
	return true, nil
}
