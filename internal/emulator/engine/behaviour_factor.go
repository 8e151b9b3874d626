package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Second factors of users. A factor is a record of the type Device (a phone
// number, an address, an app) or the answers to security questions that lie in
// the user. What the user's mfa extension says of them is the service's: the
// status and the preferred factor are stored and follow every change, the lists
// are made when an answer shows them.

const (
	mfaURN             = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User"
	questionsURN       = "urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User"
	userCredentialsURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userCredentials:User" //nolint:gosec // a schema
)

// States of devices, of their factors and of users.
const (
	factorEnrolled   = "ENROLLED"
	factorUnenrolled = "UN_ENROLLED"
	factorQuestions  = "SECURITY_QUESTIONS"
	factorEmail      = "EMAIL"
)

// What no source says of factors: a guess each.
const (
	// keepLastDevice refuses to delete the last enrolled device of a user whose
	// mfaStatus is ENROLLED; that this is when 2-step verification counts as
	// on is the guess. Removing all factors has a resource of its own.
	keepLastDevice = true
	// keepFactorsOnPut makes a PUT of a user that leaves out the preferred
	// factor or the answers to the security questions keep them, since answers
	// cannot be read.
	keepFactorsOnPut = true
	// msgTooManyFactors refuses more devices or trusted user agents than the
	// settings allow.
	msgTooManyFactors = "error.ssocommon.ssoadmin.mfa.maxFactorsReached"
	// msgFactorPreference refuses a preferred factor that the user has not
	// enrolled in.
	msgFactorPreference = "error.ssocommon.ssoadmin.mfa.invalidPreferredFactor"
)

// msgOnlyDevice is recorded (idcs-behaviour 2.6).
const msgOnlyDevice = "error.ssocommon.ssoadmin.mfa.cannotDeleteOnlyExistingDevice"

func deviceHooks() Hooks {
	return Hooks{
		BeforeCreate: newDevice,
		AfterCreate: func(c *Change) error {
			if err := linkOwner(c); err != nil {
				return err
			}
			return c.Tx.refreshFactors(ownerID(c.New), "", nil)
		},
		BeforeWrite:  changedDevice,
		AfterWrite:   func(c *Change) error { return c.Tx.refreshFactors(ownerID(c.New), c.ID, c.New) },
		BeforeDelete: keepOneDevice,
		AfterDelete: func(c *Change) error {
			if err := unlinkOwner(c); err != nil {
				return err
			}
			return c.Tx.refreshFactors(ownerID(c.Old), "", nil)
		},
	}
}

// hideSeed leaves the secret of one-time codes out of one's own devices; the
// schema of devices hides it from administrators.
func hideSeed(_ *Tx, _ string, doc Document, _ *wanted) error {
	delete(doc, "seed")
	delete(doc, "seedDekId")
	return nil
}

// ownerID is the user that a record belongs to.
func ownerID(doc Document) string {
	id, _ := asMap(doc["user"])["value"].(string)
	return id
}

// newDevice completes a device and its factors: enrolled unless it says
// otherwise.
func newDevice(c *Change) error {
	user, owner, err := c.owner()
	if err != nil {
		return err
	}
	all, err := c.Tx.owned(user)
	if err != nil {
		return err
	}
	limit, err := c.Tx.factorLimit("endpointRestrictions", "maxEnrolledDevices")
	if err != nil {
		return err
	}
	if len(all["Device"]) >= limit {
		return bad(msgTooManyFactors, "The user has %d devices, as many as the settings allow.", limit)
	}
	setIfAbsent(c.New, "status", factorEnrolled)
	setIfAbsent(c.New, "isAccRecEnabled", false)
	list := slices.Clone(elements(c.New["authenticationFactors"]))
	for i, x := range list {
		m := maps1(x)
		setIfAbsent(m, "status", factorEnrolled)
		if to := primaryEmail(owner); m["type"] == factorEmail && to != "" {
			setIfAbsent(c.New, "displayName", to)
		}
		list[i] = m
	}
	if list != nil {
		c.New["authenticationFactors"] = list
	}
	setIfAbsent(c.New, "lastSyncTime", formatTime(c.Tx.now))
	if len(enrolledTypes(c.New)) > 0 {
		setIfAbsent(c.New, "lastValidatedTime", formatTime(c.Tx.now))
	}
	return c.sealSeed()
}

// changedDevice seals a new shared secret.
func changedDevice(c *Change) error {
	if c.New["seed"] == c.Old["seed"] {
		return nil
	}
	return c.sealSeed()
}

// sealSeed encrypts the secret that one-time codes are made from.
func (c *Change) sealSeed() error {
	seed, _ := c.New["seed"].(string)
	if seed == "" {
		return nil
	}
	return c.sealed("seed", seed)
}

// enrolledTypes lists the factors that a device can be used for.
func enrolledTypes(device Document) []string {
	var list []string
	if device["status"] != factorEnrolled {
		return nil
	}
	for _, x := range elements(device["authenticationFactors"]) {
		m := asMap(x)
		if typ, _ := m["type"].(string); typ != "" && m["status"] == factorEnrolled {
			list = append(list, typ)
		}
	}
	return list
}

// keepOneDevice refuses to take away the last device.
func keepOneDevice(c *Change) error {
	if !keepLastDevice || c.Tx.removing || len(enrolledTypes(c.Old)) == 0 {
		return nil
	}
	user, err := c.Tx.userIfThere(ownerID(c.Old))
	if err != nil || user == nil || asMap(user[mfaURN])["mfaStatus"] != factorEnrolled {
		return err
	}
	devices, err := c.Tx.devices(ownerID(c.Old), "", nil)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.id != c.ID && len(enrolledTypes(d.doc)) > 0 {
			return nil
		}
	}
	return bad(msgOnlyDevice, "You cannot delete the device. At least one device is required for 2-Step Verification.")
}

// userIfThere reads a user, who may be gone.
func (tx *Tx) userIfThere(id string) (Document, error) {
	rec, err := tx.st.Get("User", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, errors.Join(store.ErrCorrupt, err)
	}
	return doc, nil
}

// deviceOf is a device with its id.
type deviceOf struct {
	id  string
	doc Document
}

// devices are those of a user; the one with the id changed is about to become
// doc.
func (tx *Tx) devices(user, changed string, doc Document) ([]deviceOf, error) {
	recs, err := tx.ownedRecords(user, "Device")
	if err != nil {
		return nil, err
	}
	var list []deviceOf
	for _, rec := range recs {
		d := deviceOf{rec.ID, doc}
		if rec.ID != changed {
			if d.doc, err = decode(rec.Data); err != nil {
				return nil, errors.Join(store.ErrCorrupt, err)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// refreshFactors makes a user say what the user is enrolled in after a device
// changed.
func (tx *Tx) refreshFactors(user, changed string, doc Document) error {
	if there, err := tx.userIfThere(user); err != nil || there == nil {
		return err
	}
	ti, err := tx.info("User")
	if err != nil {
		return err
	}
	rec, old, err := tx.load(ti, user)
	if err != nil {
		return err
	}
	devices, err := tx.devices(user, changed, doc)
	if err != nil {
		return err
	}
	c := tx.newChange(ti, rec.ID, old, cloneDoc(old))
	if err := c.settleFactors(devices); err != nil {
		return err
	}
	return tx.save(ti, rec, c)
}

// settleFactors sets the stored part of the mfa extension of c.New by what the
// user is enrolled in.
func (c *Change) settleFactors(devices []deviceOf) error {
	questions := len(elements(asMap(c.New[questionsURN])["secQuestions"])) > 0
	if questions {
		enabled, err := c.Tx.setting("AuthenticationFactorSetting", "securityQuestionsEnabled")
		if err != nil {
			return err
		}
		questions = enabled == true
	}
	ext := maps1(c.New[mfaURN])
	var device string
	var types []string
	wanted, _ := asMap(ext["preferredDevice"])["value"].(string)
	for _, d := range devices {
		if can := enrolledTypes(d.doc); len(can) > 0 && (device == "" || d.id == wanted) {
			device, types = d.id, can
		}
	}
	factor, _ := ext["preferredAuthenticationFactor"].(string)
	factor = strings.ToUpper(factor)
	switch {
	case device == "" && !questions:
		if ext["mfaStatus"] == factorEnrolled {
			ext["mfaStatus"] = factorUnenrolled
		}
		for _, name := range []string{"preferredDevice", "preferredAuthenticationFactor", "preferredAuthenticationMethod", "mfaEnabledOn"} {
			delete(ext, name)
		}
	default:
		if ext["mfaStatus"] != factorEnrolled {
			ext["mfaStatus"] = factorEnrolled
			ext["loginAttempts"] = json.Number("0")
			ext["mfaEnabledOn"] = formatTime(c.Tx.now)
		}
		switch {
		case factor == factorQuestions && questions:
			delete(ext, "preferredDevice")
		case device == "":
			delete(ext, "preferredDevice")
			ext["preferredAuthenticationFactor"] = factorQuestions
		default:
			ext["preferredDevice"] = map[string]any{"value": device}
			if !slices.Contains(types, factor) {
				ext["preferredAuthenticationFactor"] = types[0]
			}
		}
	}
	delete(c.New, mfaURN)
	if len(ext) > 0 {
		c.New[mfaURN] = ext
	}
	c.ti.completeSchemas(c.New)
	return nil
}

// withFactors lets the hooks of users take care of factors and of all else that
// belongs to a user.
func withFactors(h Hooks) Hooks {
	create, write, gone, derive := h.BeforeCreate, h.BeforeWrite, h.AfterDelete, h.Derive
	h.BeforeCreate = func(c *Change) error {
		if err := run(create, c); err != nil {
			return err
		}
		return factorsOfUser(c)
	}
	h.BeforeWrite = func(c *Change) error {
		if err := run(write, c); err != nil {
			return err
		}
		return factorsOfUser(c)
	}
	h.AfterDelete = func(c *Change) error {
		if err := dropOwned(c); err != nil {
			return err
		}
		return run(gone, c)
	}
	h.Derive = func(tx *Tx, id string, doc Document, w *wanted) error {
		if derive != nil {
			if err := derive(tx, id, doc, w); err != nil {
				return err
			}
		}
		return deriveOwned(tx, id, doc, w)
	}
	if h.Derives != nil {
		h.Derives = slices.Clone(h.Derives)
		for _, l := range ownedLists {
			h.Derives = append(h.Derives, l.urn+":"+l.name)
		}
	}
	return h
}

// factorsOfUser checks what a write of a user says of factors.
func factorsOfUser(c *Change) error {
	was, now := asMap(c.Old[mfaURN]), asMap(c.New[mfaURN])
	if c.Replace && keepFactorsOnPut {
		for _, k := range []struct{ urn, name string }{
			{mfaURN, "preferredDevice"},
			{mfaURN, "preferredAuthenticationFactor"},
			{mfaURN, "preferredAuthenticationMethod"},
			{mfaURN, "mfaEnabledOn"},
			{questionsURN, "secQuestions"},
		} {
			if v, ok := asMap(c.Old[k.urn])[k.name]; ok {
				setIfAbsent(extension(c.New, k.urn), k.name, clone(v))
			}
		}
		now = asMap(c.New[mfaURN])
	}
	if now["trustedUserAgents"] != nil { // a list of the service's
		delete(now, "trustedUserAgents")
		if len(now) == 0 {
			delete(c.New, mfaURN)
		}
	}
	before, after := asMap(c.Old[questionsURN])["secQuestions"], asMap(c.New[questionsURN])["secQuestions"]
	asked := !equal(before, after)
	if asked {
		if err := c.checkAnswers(before, after); err != nil {
			return err
		}
	}
	preferred := !equal(was["preferredDevice"], now["preferredDevice"]) ||
		was["preferredAuthenticationFactor"] != now["preferredAuthenticationFactor"]
	if !asked && !preferred {
		return nil
	}
	devices, err := c.Tx.devices(c.ID, "", nil)
	if err != nil {
		return err
	}
	if preferred {
		if err := checkPreferred(was, now, devices); err != nil {
			return err
		}
	}
	return c.settleFactors(devices)
}

// checkPreferred refuses a preferred factor that the user does not have. Where
// only one of device and factor changed, the other one follows it.
func checkPreferred(was, ext map[string]any, devices []deviceOf) error {
	factor, _ := ext["preferredAuthenticationFactor"].(string)
	device, _ := asMap(ext["preferredDevice"])["value"].(string)
	switch {
	case factor == "" && device == "" || strings.EqualFold(factor, factorQuestions):
		return nil
	case equal(was["preferredDevice"], ext["preferredDevice"]):
		device = ""
	case was["preferredAuthenticationFactor"] == any(factor):
		factor = ""
	}
	for _, d := range devices {
		types := enrolledTypes(d.doc)
		if (device == "" || d.id == device) && len(types) > 0 &&
			(factor == "" || slices.Contains(types, strings.ToUpper(factor))) {
			if device == "" {
				ext["preferredDevice"] = map[string]any{"value": d.id}
			}
			return nil
		}
	}
	if factor == "" {
		return bad(msgFactorPreference, "The preferred device is not one that the user is enrolled with.")
	}
	return bad(msgFactorPreference, "The user is not enrolled in the preferred factor %s, or not with the preferred device.", factor)
}
