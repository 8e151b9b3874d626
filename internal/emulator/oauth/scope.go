package oauth

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scopes of idcs-behaviour 1.3.
const (
	ScopeMyScopes = "urn:opc:idm:__myscopes__"
	ScopeConsumer = "urn:opc:resource:consumer::all"
	ScopeOffline  = "offline_access"
	ScopeOpenID   = "openid"

	scopeExpiry   = "urn:opc:resource:expiry="
	scopeRole     = "urn:opc:idm:role."
	scopeIDM      = "urn:opc:idm:"
	maxScopeCount = 100
)

// scopeRequest is a scope parameter taken apart.
type scopeRequest struct {
	names   []string // as granted, without expiry
	expiry  time.Duration
	offline bool
	openID  bool
}

func (q scopeRequest) String() string { return strings.Join(q.names, " ") }

// HasAdminScope says whether a scope claim opens the administration API. A
// token for urn:opc:resource:consumer::all does not.
func HasAdminScope(scope string) bool {
	return slices.ContainsFunc(strings.Fields(scope), func(s string) bool { return strings.HasPrefix(s, scopeIDM) })
}

// ScopeRoles answers the names of the roles whose rights a scope claim may carry:
// those that urn:opc:idm:role. names, or all for urn:opc:idm:__myscopes__.
func ScopeRoles(scope string) (names []string, all bool) {
	for f := range strings.FieldsSeq(scope) {
		if f == ScopeMyScopes {
			return nil, true
		}
		if name, ok := strings.CutPrefix(f, scopeRole); ok {
			if name, err := url.PathUnescape(name); err == nil {
				names = append(names, name)
			}
		}
	}
	return names, false
}

// parseScope reads a scope parameter. held are the role names that every
// party to the token holds: the client's, and the user's where there is one.
func parseScope(param string, held []string) (scopeRequest, error) {
	var q scopeRequest
	fields := strings.Fields(param)
	if len(fields) > maxScopeCount {
		return q, fmt.Errorf("at most %d scopes are possible", maxScopeCount)
	}
	for _, f := range fields {
		if !scopeToken(f) {
			return q, fmt.Errorf("scope %q holds a character that RFC 6749 does not allow", f)
		}
		if err := q.add(f, held); err != nil {
			return q, err
		}
	}
	switch {
	case len(q.names) == 0:
		return q, fmt.Errorf("a scope is needed, such as %s", ScopeMyScopes)
	case slices.Contains(q.names, ScopeConsumer):
		for _, n := range q.names {
			if n != ScopeConsumer && n != ScopeOffline {
				return q, fmt.Errorf("scope %s cannot be combined with %s", ScopeConsumer, n)
			}
		}
	case len(q.names) == 1 && q.offline:
		return q, fmt.Errorf("scope %s needs another one beside it", ScopeOffline)
	}
	return q, nil
}

func (q *scopeRequest) add(f string, held []string) error {
	switch {
	case slices.Contains(q.names, f):
		return nil
	case strings.HasPrefix(f, scopeExpiry):
		n, err := strconv.Atoi(f[len(scopeExpiry):])
		if err != nil || n < int(MinExpiry/time.Second) || n > int(MaxExpiry/time.Second) {
			return fmt.Errorf("scope %s takes %d to %d seconds", scopeExpiry, int(MinExpiry/time.Second), int(MaxExpiry/time.Second))
		}
		if q.expiry != 0 {
			return fmt.Errorf("scope %s is given twice", scopeExpiry)
		}
		q.expiry = time.Duration(n) * time.Second
		return nil
	case strings.HasPrefix(f, scopeRole):
		// The name is encoded twice; reading the form undid it once.
		name, err := url.PathUnescape(f[len(scopeRole):])
		if err != nil || !slices.Contains(held, name) {
			return fmt.Errorf("scope %s: the role is not granted to every party of the token", f)
		}
	case f == ScopeOffline:
		q.offline = true
	case f == ScopeOpenID:
		q.openID = true
	case f == ScopeConsumer, strings.HasPrefix(f, scopeIDM):
	case slices.Contains([]string{"profile", "email", "groups", "approles", "address", "phone"}, f):
	default:
		return fmt.Errorf("scope %q is not known to this service", f)
	}
	q.names = append(q.names, f)
	return nil
}

// narrow checks that what a refresh asks for lies within what was granted.
func narrow(granted, asked []string) error {
	for _, a := range asked {
		if !slices.Contains(granted, a) {
			return fmt.Errorf("scope %q was not part of the grant", a)
		}
	}
	return nil
}

// scopeToken says whether s is a scope-token of RFC 6749 section 3.3.
func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// both answers the names that two lists share.
func both(a, b []string) []string {
	var out []string
	for _, x := range a {
		if slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}
