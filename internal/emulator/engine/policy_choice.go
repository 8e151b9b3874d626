package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// lastPriority is the lowest that a policy can have (idcs-behaviour 3.4).
const lastPriority = 10

// passwordPolicies lists the policies of the domain, the highest priority
// first. Those of a fresh domain are there, also before they are stored.
func (tx *Tx) passwordPolicies() ([]*policy, error) {
	if tx.policies != nil {
		return tx.policies, nil
	}
	var list []*policy
	for row, err := range tx.st.Query(store.Query{Type: policyType}) {
		if err != nil {
			return nil, err
		}
		p, err := readPolicy(row.ID, row.Data)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if !slices.ContainsFunc(list, func(p *policy) bool { return p.ID == defaultPolicyID }) {
		for _, d := range presets() {
			data, err := json.Marshal(d)
			if err != nil {
				return nil, err
			}
			p, err := readPolicy("", data)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b *policy) int { return a.rank() - b.rank() })
	tx.policies = list
	return list, nil
}

// rank puts policies without a priority last.
func (p *policy) rank() int {
	if p.Priority == 0 {
		return lastPriority + 1
	}
	return p.Priority
}

func readPolicy(id string, data []byte) (*policy, error) {
	p := &policy{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", policyType, id, store.ErrCorrupt, err)
	}
	return p, nil
}

// policyOf finds the policy that holds for a user: of those of the user's
// groups the one of highest priority, otherwise the default policy.
func (tx *Tx) policyOf(user string) (*policy, error) {
	list, err := tx.passwordPolicies()
	if err != nil {
		return nil, err
	}
	var standard *policy
	grouped := false
	for _, p := range list {
		grouped = grouped || len(p.Groups) > 0
		if p.ID == defaultPolicyID {
			standard = p
		}
	}
	if standard == nil {
		return nil, fmt.Errorf("the default password policy: %w", store.ErrNotFound)
	}
	if !grouped || user == "" {
		return standard, nil
	}
	groups := map[string]bool{}
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: user}) {
		if err != nil {
			return nil, err
		}
		groups[link.From] = true
	}
	for _, p := range list {
		for _, g := range p.Groups {
			if groups[g.Value] {
				return p, nil
			}
		}
	}
	return standard, nil
}

// expiredByPolicy says that a password is older than the policy lets it be.
func (tx *Tx) expiredByPolicy(user Document) (bool, error) {
	state := asMap(user[passwordStateURN])
	if state["expired"] == true {
		return true, nil
	}
	if user["password"] == nil || state["cantExpire"] == true {
		return false, nil
	}
	set, ok := passwordSetAt(user)
	if !ok {
		return false, nil
	}
	id, _ := user["id"].(string)
	p, err := tx.policyOf(id)
	if err != nil || p.ExpiresAfter == 0 {
		return false, err
	}
	return !tx.now.Before(set.AddDate(0, 0, p.ExpiresAfter)), nil
}

// mustChange says that a user has to set a new password at the next sign-in:
// because the record says so, or because an administrator demanded it of all
// whom a policy holds for, after the password was set.
func (tx *Tx) mustChange(user Document) (bool, error) {
	if asMap(user[passwordStateURN])["mustChange"] == true {
		return true, nil
	}
	if user["password"] == nil {
		return false, nil
	}
	id, _ := user["id"].(string)
	p, err := tx.policyOf(id)
	if err != nil {
		return false, err
	}
	since, err := tx.forcedSince(p.ID)
	if err != nil || since.IsZero() {
		return false, err
	}
	set, ok := passwordSetAt(user)
	return !ok || set.Before(since), nil
}

func passwordSetAt(user Document) (time.Time, bool) {
	text, _ := asMap(user[passwordStateURN])["lastSuccessfulSetDate"].(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// forcedName is the store's value with the time since when everybody whom a
// policy holds for has to set a new password. It is no part of the policy,
// which does not show it, and it costs the same for one user and for millions.
// That those of other policies are left alone is a guess.
func forcedName(policy string) string { return "password-forced:" + policy }

func (tx *Tx) forcedSince(policy string) (time.Time, error) {
	data, err := tx.st.Value(forcedName(policy))
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, string(data))
	if err != nil {
		return time.Time{}, fmt.Errorf("time of a forced password reset: %w: %w", store.ErrCorrupt, err)
	}
	return t, nil
}

// derivePasswordState adds to a user what follows from the policies.
func derivePasswordState(tx *Tx, id string, doc Document, w *wanted) error {
	set := w.ti.set(passwordStateURN)
	if set == nil {
		return nil
	}
	expired, must, applies := set.get("expired"), set.get("mustChange"), set.get("applicablePasswordPolicy")
	if !w.has(expired) && !w.has(must) && !w.has(applies) {
		return nil
	}
	p, err := tx.policyOf(id)
	if err != nil {
		return err
	}
	isExpired, err := tx.expiredByPolicy(doc)
	if err != nil {
		return err
	}
	isForced, err := tx.mustChange(doc)
	if err != nil {
		return err
	}
	ref := map[string]any{"value": p.ID, "display": p.Name}
	if p.Priority > 0 {
		ref["priority"] = jsonInt(p.Priority)
	}
	setValue(doc, expired, isExpired)
	setValue(doc, must, isForced)
	setValue(doc, applies, ref)
	return nil
}
