package engine

import (
	"time"
)

// Browsers that a user told the service to trust (TRUSTED: no second factor for
// a while) or to keep signed in (KMSI). The service makes them at sign-in.

const (
	agentTrusted = "TRUSTED"
	agentKmsi    = "KMSI"
)

func agentHooks() Hooks {
	return Hooks{
		BeforeCreate: newAgent,
		AfterCreate:  linkOwner,
		AfterDelete:  unlinkOwner,
		Derive:       unseal("TrustedUserAgent", "trustToken"),
	}
}

// newAgent gives a trusted user agent its token and its end: 15 days after it
// was made in a recorded answer, which is what the settings of a fresh domain
// say; one that keeps signed in follows KmsiSettings.
func newAgent(c *Change) error {
	user, _, err := c.owner()
	if err != nil {
		return err
	}
	setIfAbsent(c.New, "tokenType", agentTrusted)
	var days int
	if c.New["tokenType"] == agentKmsi {
		v, err := c.Tx.setting("KmsiSetting", "tokenValidityInDays")
		if err != nil {
			return err
		}
		days = whole(v)
	} else if days, err = c.Tx.factorLimit("endpointRestrictions", "maxEndpointTrustDurationInDays"); err != nil {
		return err
	}
	if err := c.boundAgents(user); err != nil {
		return err
	}
	c.New["expiryTime"] = formatTime(c.Tx.now.Add(time.Duration(days) * 24 * time.Hour))
	return c.sealed("trustToken", randomID()+randomID())
}

// boundAgents refuses more user agents of the kind than the settings allow.
// Those that have expired do not count.
func (c *Change) boundAgents(user string) error {
	limit, err := c.Tx.factorLimit("endpointRestrictions", "maxTrustedEndpoints")
	if c.New["tokenType"] == agentKmsi {
		var v any
		v, err = c.Tx.setting("KmsiSetting", "maxAllowedSessions")
		limit = whole(v)
	}
	if err != nil {
		return err
	}
	recs, err := c.Tx.ownedRecords(user, "TrustedUserAgent")
	if err != nil {
		return err
	}
	n := 0
	for _, rec := range recs {
		doc, err := decode(rec.Data)
		if err != nil {
			return err
		}
		if doc["tokenType"] == c.New["tokenType"] && !c.Tx.past(doc["expiryTime"]) {
			n++
		}
	}
	if n >= limit {
		return bad(msgTooManyFactors, "The user has %d user agents of type %s, as many as the settings allow.", n, c.New["tokenType"])
	}
	return nil
}
