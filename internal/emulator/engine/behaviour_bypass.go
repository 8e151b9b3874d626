package engine

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Bypass codes: digits that stand in for a second factor, made by an
// administrator (help desk) or by the user. A recorded answer has twelve
// digits, no use so far and one use at most, and the code is readable later.

// What no source settles of them: a guess each.
const (
	// bypassUsesAttribute and bypassExpiryAttribute are the attributes by which
	// a client asks for a number of uses and an end of its own. The first one
	// is recorded in answers, the second one is not; that a request may set
	// either is not published.
	bypassUsesAttribute   = "maxUsageCount"
	bypassExpiryAttribute = "expiresOn"
	// honourBypassTerms does as such a request asks. Call.IgnoreTerms, which a
	// fault rule sets, does not.
	honourBypassTerms = true
	// ownBypassUses is how often a code can be used that a user made; one is
	// recorded. It does not expire.
	ownBypassUses = 1
	// maxBypassUses bounds the number that a request may ask for: that of the
	// setting helpDeskMaxUsage, which is the default and no bound, since the
	// console offers codes without one.
	maxBypassUses = 999
	// msgNotEnrolled, msgBypassOff, msgTooManyCodes, msgBypassTerms and
	// msgNoAddress refuse codes.
	msgNotEnrolled  = "error.ssocommon.ssoadmin.mfa.userNotEnrolled"
	msgBypassOff    = "error.ssocommon.ssoadmin.mfa.bypassCodeDisabled"
	msgTooManyCodes = "error.ssocommon.ssoadmin.mfa.maxBypassCodesReached"
	msgBypassTerms  = "error.ssocommon.ssoadmin.mfa.invalidBypassCodeTerms"
	msgNoAddress    = "error.ssocommon.ssoadmin.mfa.noEmailAddress"
)

func bypassHooks() Hooks {
	return Hooks{
		BeforeCreate: newBypassCode, AfterCreate: linkOwner, AfterDelete: unlinkOwner, Derive: showBypassCode,
	}
}

// newBypassCode gives a bypass code its digits, its end and its number of uses.
func newBypassCode(c *Change) error {
	user, owner, err := c.owner()
	if err != nil {
		return err
	}
	v, err := c.Tx.setting("AuthenticationFactorSetting", "bypassCodeSettings")
	if err != nil {
		return err
	}
	settings := asMap(v)
	if err := c.mayHaveCode(owner, settings); err != nil {
		return err
	}
	active, err := c.Tx.activeCodes(user)
	if err != nil {
		return err
	}
	if limit := whole(settings["maxActive"]); len(active) >= limit {
		return bad(msgTooManyCodes, "The user has %d bypass codes that can be used, as many as the settings allow. Delete one first.", len(active))
	}
	if err := c.bypassTerms(settings); err != nil {
		return err
	}
	c.New["actualUsageCount"] = jsonInt(0)
	code, err := digits(whole(settings["length"]))
	if err != nil {
		return err
	}
	return c.sealed("code", code)
}

// mayHaveCode refuses a code that settings or the user's state forbid.
func (c *Change) mayHaveCode(owner Document, settings map[string]any) error {
	enabled, err := c.Tx.setting("AuthenticationFactorSetting", "bypassCodeEnabled")
	if err != nil {
		return err
	}
	who, flag := "the help desk", "helpDeskGenerationEnabled"
	if c.Tx.self {
		who, flag = "users", "selfServiceGenerationEnabled"
	}
	if enabled != true || settings[flag] != true {
		return bad(msgBypassOff, "Bypass codes made by %s are switched off in AuthenticationFactorSettings.", who)
	}
	if asMap(owner[mfaURN])["mfaStatus"] != factorEnrolled {
		return bad(msgNotEnrolled, "The user is not enrolled in 2-Step Verification, so there is nothing that a bypass code could stand in for.")
	}
	return nil
}

// bypassTerms sets end and number of uses: those of the request, or else those
// of the settings.
func (c *Change) bypassTerms(settings map[string]any) error {
	if !honourBypassTerms || c.Tx.call.IgnoreTerms {
		delete(c.New, bypassUsesAttribute)
		delete(c.New, bypassExpiryAttribute)
	}
	if uses, ok := c.New[bypassUsesAttribute]; ok {
		if n := whole(uses); n < 1 || n > maxBypassUses {
			return bad(msgBypassTerms, "A bypass code can be used 1 to %d times.", maxBypassUses)
		}
	}
	if c.New[bypassExpiryAttribute] != nil && c.Tx.past(c.New[bypassExpiryAttribute]) {
		return bad(msgBypassTerms, "A bypass code must expire in the future.")
	}
	if c.Tx.self {
		setIfAbsent(c.New, bypassUsesAttribute, jsonInt(ownBypassUses))
		return nil
	}
	setIfAbsent(c.New, bypassUsesAttribute, settings["helpDeskMaxUsage"])
	life := time.Duration(whole(settings["helpDeskCodeExpiryInMins"])) * time.Minute
	setIfAbsent(c.New, bypassExpiryAttribute, formatTime(c.Tx.now.Add(life)))
	return nil
}

// past says that a time is over. A text that is no time is left to the schema.
func (tx *Tx) past(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	t, err := filter.ParseTime(s)
	return err == nil && !t.After(tx.now)
}

// digits makes a code.
func digits(n int) (string, error) {
	var b strings.Builder
	for range n {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			return "", err
		}
		b.WriteString(d.String())
	}
	return b.String(), nil
}

// spent says that a code cannot be used any more.
func (tx *Tx) spent(doc Document) bool {
	return tx.past(doc[bypassExpiryAttribute]) || whole(doc["actualUsageCount"]) >= whole(doc[bypassUsesAttribute])
}

// activeCode is a bypass code that can be used.
type activeCode struct {
	rec store.Record
	doc Document
}

func (tx *Tx) activeCodes(user string) ([]activeCode, error) {
	recs, err := tx.ownedRecords(user, "BypassCode")
	if err != nil {
		return nil, err
	}
	var list []activeCode
	for _, rec := range recs {
		doc, err := decode(rec.Data)
		if err != nil {
			return nil, errors.Join(store.ErrCorrupt, err)
		}
		if !tx.spent(doc) {
			list = append(list, activeCode{rec, doc})
		}
	}
	return list, nil
}

// useBypassCode tries a bypass code at the sign-in of a user. It answers whether
// it was one that can be used, and counts the use. Counting attempts is the
// caller's.
func (tx *Tx) useBypassCode(user, code string) (bool, error) {
	active, err := tx.activeCodes(user)
	if err != nil {
		return false, err
	}
	ti, err := tx.info("BypassCode")
	if err != nil {
		return false, err
	}
	for _, a := range active {
		plain, err := tx.unsealed("BypassCode", a.rec.ID, "code", a.doc)
		if err != nil {
			return false, err
		}
		if subtle.ConstantTimeCompare([]byte(plain), []byte(code)) != 1 {
			continue
		}
		c := tx.newChange(ti, a.rec.ID, a.doc, cloneDoc(a.doc))
		c.New["actualUsageCount"] = jsonInt(whole(a.doc["actualUsageCount"]) + 1)
		return true, tx.save(ti, a.rec, c)
	}
	return false, nil
}

// showBypassCode shows the code, as recorded answers do, unless the call is to
// hide it.
func showBypassCode(tx *Tx, id string, doc Document, w *wanted) error {
	if tx.call.HideCodes && tx.ro { // the answer of the create shows it
		delete(doc, "code")
		return nil
	}
	return unseal("BypassCode", "code")(tx, id, doc, w)
}

// notifyBypassCode mails a code to its user. The body is a guess: only the name
// of the resource is published.
func notifyBypassCode(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	if err := tx.resolveReferences(ti, nil, in); err != nil {
		return nil, err
	}
	id, _ := asMap(in["bypassCode"])["value"].(string)
	codes, err := tx.info("BypassCode")
	if err != nil {
		return nil, err
	}
	rec, doc, err := tx.load(codes, id)
	if err != nil {
		return nil, err
	}
	if ownerID(doc) != ownerID(in) {
		return nil, badReference(ti.core.get("bypassCode"), "BypassCode", rec.ID)
	}
	if tx.spent(doc) {
		return nil, bad(msgBypassTerms, "The bypass code cannot be used any more.")
	}
	if err := tx.mailCode(rec, doc); err != nil {
		return nil, err
	}
	err = tx.Event(Document{
		"eventId": eventArea(ti.rt.Name) + ".create.success", "adminResourceType": "BypassCode",
		"adminResourceId": rec.ID, "adminRefResourceType": "User", "adminRefResourceId": ownerID(doc),
	})
	if err != nil {
		return nil, err
	}
	return tx.acted(ti, in, pr)
}

// mailCode sends the mail with the two documented values: the minutes that are
// left, absent for a code that does not expire, and the uses that are left.
func (tx *Tx) mailCode(rec store.Record, doc Document) error {
	user, err := tx.userIfThere(ownerID(doc))
	if err != nil {
		return err
	}
	if primaryEmail(user) == "" {
		return fail(http.StatusBadRequest, "", msgNoAddress, "The user has no primary e-mail address to send the code to.")
	}
	code, err := tx.unsealed("BypassCode", rec.ID, "code", doc)
	if err != nil {
		return err
	}
	left := whole(doc[bypassUsesAttribute]) - whole(doc["actualUsageCount"])
	m := Mail{Template: MailBypassCode, Data: map[string]string{"uses": strconv.Itoa(left)}, Secrets: map[string]string{"code": code}}
	if s, _ := doc[bypassExpiryAttribute].(string); s != "" {
		end, err := filter.ParseTime(s)
		if err != nil {
			return errors.Join(store.ErrCorrupt, err)
		}
		m.Data["minutes"] = strconv.Itoa(int(end.Sub(tx.now).Minutes()))
	}
	return tx.mailUser(ownerID(doc), user, m)
}
