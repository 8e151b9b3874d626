package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Bounds of a policy (idcs-behaviour 3.4).
const (
	maxPolicies       = 10
	maxPasswordLength = 500
	minLockout        = 5
	maxLockout        = 24 * 60
)

// Bounds that no source names.
const (
	// maxHistory is how many former passwords a policy can forbid.
	maxHistory = 24
	// maxPolicyDays bounds the ages that a policy counts in days.
	maxPolicyDays = 9999
	// maxThreshold bounds the failures after which a user is locked.
	maxThreshold = 999
	// msgPolicyLimit is the message for a policy too many.
	msgPolicyLimit = "error.identity.passwordmgmt.maxPoliciesReached"
	// msgPolicyGroup is the message for a group that has a policy.
	msgPolicyGroup = "error.identity.passwordmgmt.groupHasPolicy"
	// msgPolicyFixed is the message for criteria of Simple and Standard.
	msgPolicyFixed = "error.identity.passwordmgmt.criteriaNotChangeable"
	// msgPolicyInvalid is the message for criteria that contradict each other.
	msgPolicyInvalid = "error.identity.passwordmgmt.invalidPolicy"
)

// criteria are the attributes that make up the rules of a policy, in the order
// of the schema, with the bounds of those that are numbers.
var criteria = []struct {
	name     string
	min, max int
}{
	{"maxLength", 1, maxPasswordLength},
	{"minLength", 1, maxPasswordLength},
	{"minAlphas", 0, maxPasswordLength},
	{"minNumerals", 0, maxPasswordLength},
	{"minAlphaNumerals", 0, maxPasswordLength},
	{"minSpecialChars", 0, maxPasswordLength},
	{"maxSpecialChars", 0, maxPasswordLength},
	{"minLowerCase", 0, maxPasswordLength},
	{"minUpperCase", 0, maxPasswordLength},
	{"minUniqueChars", 0, maxPasswordLength},
	{"maxRepeatedChars", 0, maxPasswordLength},
	{"startsWithAlphabet", 0, 0},
	{"firstNameDisallowed", 0, 0},
	{"lastNameDisallowed", 0, 0},
	{"userNameDisallowed", 0, 0},
	{"disallowedUserAttributeValues", 0, 0},
	{"minPasswordAge", 0, maxPolicyDays},
	{"passwordExpiresAfter", 0, maxPolicyDays},
	{"passwordExpireWarning", 0, maxPolicyDays},
	{"requiredChars", 0, 0},
	{"disallowedChars", 0, 0},
	{"allowedChars", 0, 0},
	{"disallowedSubstrings", 0, 0},
	{"dictionaryWordDisallowed", 0, 0},
	{"dictionaryLocation", 0, 0},
	{"dictionaryDelimiter", 0, 0},
	{"maxIncorrectAttempts", 0, maxThreshold},
	{"lockoutDuration", 0, maxLockout},
	{"numPasswordsInHistory", 0, maxHistory},
	{"distinctCharacters", 0, maxPasswordLength},
}

func policyHooks() Hooks {
	return Hooks{
		Seed:         seedPolicies,
		BeforeCreate: newPolicy,
		BeforeWrite:  changedPolicy,
		AfterCreate:  forgetPolicies,
		AfterWrite:   forgetPolicies,
		AfterDelete:  policyGone,
		Derive:       derivePolicyRules,
	}
}

// forgetPolicies makes the transaction read the policies again.
func forgetPolicies(c *Change) error {
	c.Tx.policies = nil
	return nil
}

func policyGone(c *Change) error {
	c.Tx.policies = nil
	return c.Tx.st.DeleteValue(forcedName(c.ID))
}

// newPolicy completes and checks a new policy. Without a strength it is Custom;
// without a priority it comes behind all others: both are guesses.
func newPolicy(c *Change) error {
	list, err := c.Tx.passwordPolicies()
	if err != nil {
		return err
	}
	if len(list) >= maxPolicies {
		return bad(msgPolicyLimit, "There are %d password policies, as many as a domain can have.", len(list))
	}
	setIfAbsent(c.New, "passwordStrength", strengthCustom)
	if c.New["priority"] == nil {
		c.New["priority"] = jsonInt(freePriority(list))
	}
	return finishPolicy(c, list)
}

// freePriority is the first priority behind all that are taken, or else the
// lowest that is free.
func freePriority(list []*policy) int {
	taken := map[int]bool{}
	last := 0
	for _, p := range list {
		taken[p.Priority] = true
		last = max(last, p.Priority)
	}
	if last < lastPriority {
		return last + 1
	}
	for n := lastPriority; n > 1; n-- {
		if !taken[n] {
			return n
		}
	}
	return 1
}

func changedPolicy(c *Change) error {
	list, err := c.Tx.passwordPolicies()
	if err != nil {
		return err
	}
	if c.Replace {
		setIfAbsent(c.New, "passwordStrength", strengthCustom)
		setIfAbsent(c.New, "priority", c.Old["priority"])
	}
	return finishPolicy(c, list)
}

// finishPolicy checks a policy and makes room for its priority.
func finishPolicy(c *Change, list []*policy) error {
	if err := presetCriteria(c); err != nil {
		return err
	}
	if err := checkCriteria(c.New); err != nil {
		return err
	}
	if err := c.Tx.checkPolicyAttributes(c.New); err != nil {
		return err
	}
	if force, _ := c.New["forcePasswordReset"].(bool); force {
		now := []byte(c.Tx.now.Format(time.RFC3339Nano))
		if err := c.Tx.st.SetValue(forcedName(c.ID), now); err != nil {
			return err
		}
		c.Changed = true // and no document shows it
	}
	delete(c.New, "forcePasswordReset") // an order, not a property
	if err := c.Tx.checkPolicyGroups(c, list); err != nil {
		return err
	}
	return c.Tx.makeRoom(c, list)
}

// presetCriteria gives a policy of strength Simple or Standard its criteria.
// They cannot be chosen: a request that does is refused.
func presetCriteria(c *Change) error {
	strength, _ := c.New["passwordStrength"].(string)
	var preset Document
	switch {
	case strings.EqualFold(strength, strengthSimple):
		preset = simpleCriteria()
	case strings.EqualFold(strength, strengthStandard):
		preset = standardCriteria()
	default:
		return nil
	}
	for _, cr := range criteria {
		sent := c.New[cr.name]
		kept := !c.Replace && c.Old != nil && equal(sent, c.Old[cr.name]) // left over from another strength
		if sent != nil && !kept && !equal(sent, preset[cr.name]) {
			return bad(msgPolicyFixed, "Attribute %s cannot be chosen for a password policy of strength %s.", cr.name, strength)
		}
		if v, ok := preset[cr.name]; ok {
			c.New[cr.name] = v
		} else {
			delete(c.New, cr.name)
		}
	}
	return nil
}

// checkCriteria tests the bounds of each criterion and that a password can
// meet all of them.
func checkCriteria(doc Document) error {
	for _, cr := range criteria {
		if cr.max == 0 {
			continue
		}
		if err := checkBounds(doc, cr.name, cr.min, cr.max); err != nil {
			return err
		}
	}
	if n, ok := wholeNumber(doc["lockoutDuration"]); ok && n > 0 && n < minLockout {
		return bad(msgRange, "Attribute lockoutDuration must lie between %d and %d.", minLockout, maxLockout)
	}
	if err := checkBounds(doc, "priority", 1, lastPriority); err != nil {
		return err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	p := &policy{}
	if err := json.Unmarshal(data, p); err != nil {
		return bad(msgPolicyInvalid, "The password policy is not valid.")
	}
	for _, pair := range []struct {
		low, high         int
		lowName, highName string
		bounded           bool
	}{
		{p.MinLength, p.MaxLength, "minLength", "maxLength", p.MaxLength > 0},
		{p.MinSpecial, deref(p.MaxSpecial), "minSpecialChars", "maxSpecialChars", p.MaxSpecial != nil},
	} {
		if pair.bounded && pair.low > pair.high {
			return bad(msgPolicyInvalid, "Attribute %s is %d, more than %s, which is %d.", pair.lowName, pair.low, pair.highName, pair.high)
		}
	}
	if _, err := p.makePassword(subject{}); errors.Is(err, errNoPassword) {
		return bad(msgPolicyInvalid, "No password can meet this policy: its criteria contradict each other.")
	} else if err != nil {
		return err
	}
	return nil
}

func checkBounds(doc Document, name string, least, most int) error {
	if doc[name] == nil {
		return nil
	}
	if n, ok := wholeNumber(doc[name]); !ok || n < least || n > most {
		return bad(msgRange, "Attribute %s must lie between %d and %d.", name, least, most)
	}
	return nil
}

func wholeNumber(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil && int64(int(i)) == i
}

func deref(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// checkPolicyAttributes refuses the names of attributes that users do not have.
func (tx *Tx) checkPolicyAttributes(doc Document) error {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return err
	}
	for _, x := range elements(doc["disallowedUserAttributeValues"]) {
		path, _ := x.(string)
		if a := ti.attributeAt(path); a == nil || a.secret() || a.complex() {
			return bad(msgUnknown, "Attribute disallowedUserAttributeValues names %q, which is no attribute of users that a password can be compared with.", path)
		}
	}
	return nil
}

// checkPolicyGroups refuses a group that another policy has.
func (tx *Tx) checkPolicyGroups(c *Change, list []*policy) error {
	for _, x := range elements(c.New["groups"]) {
		id, _ := asMap(x)["value"].(string)
		for _, p := range list {
			if p.ID == c.ID {
				continue
			}
			for _, g := range p.Groups {
				if g.Value == id {
					e := bad(msgPolicyGroup, "Group %q has the password policy %s; a group can have one only.", id, p.Name)
					e.Data = map[string]any{"group": id, "passwordPolicy": p.ID}
					return e
				}
			}
		}
	}
	return nil
}

// makeRoom moves policies down by one where the priority of a new or changed
// policy is taken, as far as it takes to find a free place.
func (tx *Tx) makeRoom(c *Change, list []*policy) error {
	want, ok := wholeNumber(c.New["priority"])
	if !ok {
		return nil
	}
	at := map[int]*policy{}
	for _, p := range list {
		if p.ID != c.ID && p.Priority > 0 {
			at[p.Priority] = p
		}
	}
	var move []*policy
	for n := want; at[n] != nil; n++ {
		if n == lastPriority {
			return bad(msgRange, "There is no room for a password policy of priority %d: priority %d is taken, too.", want, lastPriority)
		}
		move = append(move, at[n])
	}
	if len(move) == 0 {
		return nil
	}
	if c.Old != nil {
		if err := tx.vacate(c); err != nil {
			return err
		}
	}
	for _, p := range slices.Backward(move) {
		if err := tx.setPriority(p.ID, p.Priority+1); err != nil {
			return err
		}
	}
	tx.policies = nil
	return nil
}

// vacate takes its old priority from a policy that is about to be stored with
// another, so that one of those that move may have it.
func (tx *Tx) vacate(c *Change) error {
	rec, err := tx.st.Get(policyType, c.ID)
	if err != nil {
		return err
	}
	doc := cloneDoc(c.Old)
	delete(doc, "priority")
	next, err := c.ti.record(c.ID, doc, rec.Version, rec.Created, rec.Modified)
	if err != nil {
		return err
	}
	return tx.st.Put(next)
}

func (tx *Tx) setPriority(id string, n int) error {
	ti, err := tx.info(policyType)
	if err != nil {
		return err
	}
	rec, old, err := tx.load(ti, id)
	if err != nil {
		return err
	}
	c := tx.newChange(ti, id, old, cloneDoc(old))
	c.New["priority"] = jsonInt(n)
	return tx.save(ti, rec, c)
}

// unassignPolicies takes a deleted group out of the policy that it has.
func (tx *Tx) unassignPolicies(group string) error {
	list, err := tx.passwordPolicies()
	if err != nil {
		return err
	}
	for _, p := range list {
		for _, g := range p.Groups {
			if g.Value != group {
				continue
			}
			ti, err := tx.info(policyType)
			if err != nil {
				return err
			}
			rec, old, err := tx.load(ti, p.ID)
			if err != nil {
				return err
			}
			c := tx.newChange(ti, p.ID, old, cloneDoc(old))
			left := slices.DeleteFunc(slices.Clone(elements(old["groups"])), func(x any) bool { return asMap(x)["value"] == any(group) })
			if delete(c.New, "groups"); len(left) > 0 {
				c.New["groups"] = left
			}
			tx.policies = nil
			return tx.save(ti, rec, c) // a group has one policy
		}
	}
	return nil
}

// derivePolicyRules lists the criteria that a policy asks for. That the keys
// are the names of the attributes is a guess.
func derivePolicyRules(_ *Tx, _ string, doc Document, w *wanted) error {
	a := w.ti.core.get("configuredPasswordPolicyRules")
	if !w.has(a) {
		return nil
	}
	var rules []any
	for _, cr := range criteria {
		v := doc[cr.name]
		if v == nil || v == false || v == any(json.Number("0")) && cr.name != "maxSpecialChars" {
			continue
		}
		var texts []string
		for _, x := range elements(v) {
			switch x := x.(type) {
			case string:
				texts = append(texts, x)
			case json.Number:
				texts = append(texts, x.String())
			case bool:
				texts = append(texts, "true")
			}
		}
		rules = append(rules, map[string]any{"key": cr.name, "value": strings.Join(texts, ",")})
	}
	if rules != nil {
		setValue(doc, a, rules)
	}
	return nil
}
