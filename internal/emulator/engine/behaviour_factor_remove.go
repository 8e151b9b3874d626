package engine

import (
	"encoding/json"
	"strings"
)

// AuthenticationFactorsRemover takes all factors of a user away; the user
// enrols again at the next sign-in.

// What it removes.
const (
	removeMFA      = "MFA"
	removeRecovery = "ACCOUNTRECOVERY"
	removeAll      = "ALL"
	removeKmsi     = "KMSI"
)

// What the types remove in detail is not documented: guesses.
const (
	// removeDefault is the type of a request that names none, as a recorded
	// one does.
	removeDefault = removeMFA
	// removeQuestions makes MFA and ACCOUNTRECOVERY take the answers to the
	// security questions away, which serve both.
	removeQuestions = true
)

// removeFactors answers a POST of the remover; own is set for the user's own.
func removeFactors(own bool) func(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	return func(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
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
		user := ownerID(in)
		if own {
			caller, err := tx.caller()
			if err != nil {
				return nil, err
			}
			if caller != user {
				return nil, fail(403, "", msgOnlyUsers, "%s is for one's own account only.", ti.rt.Name)
			}
		}
		kind, _ := in["type"].(string)
		if kind == "" {
			kind = removeDefault
		}
		if err := tx.dropFactors(user, strings.ToUpper(kind)); err != nil {
			return nil, err
		}
		who, err := tx.summary("User", user)
		if err != nil {
			return nil, err
		}
		err = tx.Event(Document{
			"eventId": eventArea(ti.rt.Name) + ".create.success", "adminResourceType": "User",
			"adminResourceId": user, "adminResourceName": who.name,
			"adminValuesRemoved": `{"type":"` + strings.ToUpper(kind) + `"}`,
		})
		if err != nil {
			return nil, err
		}
		return tx.acted(ti, in, pr)
	}
}

// acted answers a POST that stores nothing: with what was sent and the place it
// was sent to, as recorded answers do.
func (tx *Tx) acted(ti *typeInfo, in Document, pr *projection) (*Result, error) {
	ti.completeSchemas(in)
	in["meta"] = map[string]any{"resourceType": ti.rt.Name}
	res, err := tx.render(ti, "", in, pr)
	if err != nil {
		return nil, err
	}
	res.Created = true
	res.Location = strings.TrimSuffix(res.Location, "/")
	if meta := asMap(res.Doc["meta"]); meta != nil {
		meta["location"] = res.Location
	}
	return res, nil
}

// dropFactors removes factors of one kind, and what the user says of them.
func (tx *Tx) dropFactors(user, kind string) error {
	tx.removing = true
	defer func() { tx.removing = false }()
	if kind == removeMFA || kind == removeAll {
		for _, typ := range []string{"Device", "BypassCode"} {
			if err := tx.dropOf(user, typ, nil); err != nil {
				return err
			}
		}
		if err := tx.dropOf(user, "TrustedUserAgent", func(d Document) bool { return d["tokenType"] != agentKmsi }); err != nil {
			return err
		}
	}
	if kind == removeKmsi || kind == removeAll {
		if err := tx.dropOf(user, "TrustedUserAgent", func(d Document) bool { return d["tokenType"] == agentKmsi }); err != nil {
			return err
		}
	}
	if kind == removeRecovery { // devices are gone otherwise
		if err := tx.endRecovery(user); err != nil {
			return err
		}
	}
	if kind == removeKmsi {
		return nil
	}
	return tx.forgetFactors(user, kind)
}

// dropOf removes those records of a user of one type that are chosen.
func (tx *Tx) dropOf(user, typ string, chosen func(Document) bool) error {
	recs, err := tx.ownedRecords(user, typ)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		if chosen != nil {
			doc, err := decode(rec.Data)
			if err != nil {
				return err
			}
			if !chosen(doc) {
				continue
			}
		}
		if err := tx.Delete(typ, rec.ID, Params{}); err != nil {
			return err
		}
	}
	return nil
}

// endRecovery makes devices useless for account recovery.
func (tx *Tx) endRecovery(user string) error {
	devices, err := tx.devices(user, "", nil)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.doc["isAccRecEnabled"] != true {
			continue
		}
		if _, err := tx.Patch("Device", d.id, []PatchOp{{Op: "replace", Path: "isAccRecEnabled", Value: false}}, Params{}); err != nil {
			return err
		}
	}
	return nil
}

// forgetFactors removes from a user what is stored there of factors.
func (tx *Tx) forgetFactors(user, kind string) error {
	ti, err := tx.info("User")
	if err != nil {
		return err
	}
	rec, old, err := tx.load(ti, user)
	if err != nil {
		return err
	}
	c := tx.newChange(ti, rec.ID, old, cloneDoc(old))
	if removeQuestions {
		delete(c.New, questionsURN)
	}
	if ext := asMap(c.New[mfaURN]); ext != nil && kind != removeRecovery {
		ext["loginAttempts"] = json.Number("0")
	}
	if state := asMap(c.New[userStateURN]); state != nil && kind != removeMFA {
		for _, name := range []string{"recoveryAttempts", "recoveryEnrollAttempts"} {
			if _, ok := state[name]; ok {
				state[name] = json.Number("0")
			}
		}
		if state["recoveryLocked"] != nil {
			state["recoveryLocked"] = map[string]any{"on": false}
		}
	}
	devices, err := tx.devices(user, "", nil)
	if err != nil {
		return err
	}
	if err := c.settleFactors(devices); err != nil {
		return err
	}
	return tx.save(ti, rec, c)
}
