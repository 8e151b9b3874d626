package granting_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/adminroles"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/grants"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
)

// app is a seed document of an app; managed apps have accounts.
func app(name string, managed bool) idtest.Document {
	doc := map[string]any{
		"displayName": name, "active": true, "basedOnTemplate": map[string]any{"value": "CustomWebAppTemplateId"},
	}
	if managed {
		doc["urn:ietf:params:scim:schemas:oracle:idcs:extension:managedapp:App"] = map[string]any{"enableSync": true}
	}
	return idtest.Document{Type: "App", BulkID: name, Attrs: doc}
}

// role is a seed document of a role that all may have.
func role(app, name string) idtest.Document {
	return idtest.Document{Type: "AppRole", BulkID: app + "/" + name, Attrs: map[string]any{
		"displayName": name, "app": map[string]any{"value": "bulkId:" + app},
		"availableToUsers": true, "availableToGroups": true, "availableToClients": true,
	}}
}

// company is a domain with two apps, one of them managed, and three people.
func company(t *testing.T) *dirtest.Env {
	t.Helper()
	e := dirtest.New(t)
	e.Seed(
		t, dirtest.User("ada@example.com", "Ada", "Lovelace"), dirtest.User("bob@example.com", "Bob", "Bauer"),
		dirtest.User("cy@example.com", "Cy", "Cole"), dirtest.Group("Finance", "ada@example.com", "bob@example.com"),
		app("Payroll", false), app("Pay/Roll", false), app("Mailbox", true),
		role("Payroll", "Approver"), role("Payroll", "Read/Write"), role("Pay/Roll", "Viewer"),
	)
	return e
}

func grant(t *testing.T, e *dirtest.Env, line string) dirtest.Result {
	t.Helper()
	return e.Run(t, grants.New, "", strings.Split(line, " ")...)
}

// TestNames: names of apps and of roles may hold slashes.
func TestNames(t *testing.T) {
	e := company(t)
	for _, tc := range []struct{ key, want string }{
		{"Payroll/Approver", "Payroll/Approver"},
		{"payroll/approver", "Payroll/Approver"},
		{"Payroll/Read/Write", "Payroll/Read/Write"},
		{"Pay/Roll/Viewer", "Pay/Roll/Viewer"},
		{"Pay/Roll", "Pay/Roll"},
		{"Mailbox", "Mailbox"},
	} {
		t.Run(tc.key, func(t *testing.T) {
			r := grant(t, e, "add "+tc.key+" --to cy@example.com")
			again := grant(t, e, "add "+tc.key+" --to cy@example.com")
			if r.Failure != nil || again.Failure != nil {
				t.Fatal(r.Failure, again.Failure)
			}
			if want := "user cy@example.com has " + tc.want + " already\n"; again.Err != want {
				t.Errorf("%q, want %q", again.Err, want)
			}
		})
	}
}

// TestManaged: a managed app that a group has is expanded to its members, who
// cannot lose it one by one.
func TestManaged(t *testing.T) {
	e := company(t)
	if r := grant(t, e, "add Mailbox --to-group Finance"); r.Failure != nil {
		t.Fatal(r.Failure)
	}
	want := "user ada@example.com\n  Mailbox\n    by group Finance (ADMINISTRATOR_TO_GROUP) since 2026-03-09\n"
	if diff := cmp.Diff(want, e.OK(t, grants.New, "explain", "ada@example.com")); diff != "" {
		t.Errorf("explain (-want +got):\n%s", diff)
	}
	r := grant(t, e, "revoke Mailbox --from ada@example.com --yes")
	if r.Failure != nil || r.Err != "user ada@example.com has no grant of Mailbox of their own; the access remains by group Finance\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	// A grant of their own stands beside it, and goes alone.
	if r = grant(t, e, "add Mailbox --to ada@example.com"); r.Err != "granted Mailbox to user ada@example.com\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	if r = grant(t, e, "revoke Mailbox --from ada@example.com --yes"); r.Err != "revoked Mailbox from user ada@example.com; the access remains by group Finance\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	if r = grant(t, e, "revoke Mailbox --from-group Finance --yes"); r.Failure != nil {
		t.Fatal(r.Failure)
	}
	if got := e.OK(t, grants.New, "list", "Mailbox", "-o", "name"); got != "" {
		t.Errorf("left: %q", got)
	}
}

// tampered is a provider whose access a test changes.
type tampered struct {
	provider.Provider
	access provider.Access
}

func (p tampered) Access() provider.Access { return p.access }

// meddler changes single calls of an access.
type meddler struct {
	provider.Access
	grant   func(provider.Grant) (provider.Grant, error)
	limits  func() (map[string][]provider.GroupLimit, error)
	before  func() error
	revoked []string
}

func (m *meddler) Grant(ctx context.Context, g provider.Grant, token string) (provider.Grant, error) {
	if m.grant != nil {
		made, err := m.Access.Grant(ctx, g, token)
		if err != nil {
			return made, err
		}
		return m.grant(made)
	}
	return m.Access.Grant(ctx, g, token)
}

func (m *meddler) Limits(ctx context.Context, ids []string) (map[string][]provider.GroupLimit, error) {
	if m.limits != nil {
		return m.limits()
	}
	return m.Access.Limits(ctx, ids)
}

func (m *meddler) Revoke(ctx context.Context, id string) error {
	m.revoked = append(m.revoked, id)
	if m.before != nil {
		if err := m.before(); err != nil {
			return err
		}
	}
	return m.Access.Revoke(ctx, id)
}

func meddle(t *testing.T, e *dirtest.Env) *meddler {
	t.Helper()
	a, err := provider.AccessOf(e.Provider)
	if err != nil {
		t.Fatal(err)
	}
	m := &meddler{Access: a}
	e.Provider = tampered{e.Provider, m}
	return m
}

// TestLostAnswer: where an answer is lost, the grant is looked for before it
// is called failed.
func TestLostAnswer(t *testing.T) {
	e := company(t)
	m := meddle(t, e)
	lost := errors.New("connection reset")
	m.grant = func(provider.Grant) (provider.Grant, error) { return provider.Grant{}, lost }
	r := grant(t, e, "add Payroll/Approver --to ada@example.com --to-group Finance --to bob@example.com")
	if r.Failure != nil || !strings.Contains(r.Err, "3 grants: 3 granted\n") {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	m.grant = func(made provider.Grant) (provider.Grant, error) {
		if err := m.Access.Revoke(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
		return provider.Grant{}, lost // it was not carried out after all
	}
	if r = grant(t, e, "add Payroll/Approver --to cy@example.com"); r.Code != 1 || !errors.Is(r.Failure, lost) {
		t.Errorf("exit code %d: %v", r.Code, r.Failure)
	}
	m.grant = func(provider.Grant) (provider.Grant, error) {
		return provider.Grant{}, fmt.Errorf("exists: %w", scim.ErrConflict) // another one was quicker
	}
	if r = grant(t, e, "add Payroll/Approver --to cy@example.com"); r.Err != "user cy@example.com has Payroll/Approver already\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
}

// TestGoneMeanwhile: a grant that somebody else took away is no error.
func TestGoneMeanwhile(t *testing.T) {
	e := company(t)
	grant(t, e, "add Payroll/Approver --to ada@example.com")
	m := meddle(t, e)
	m.before = func() error { return m.Access.Revoke(t.Context(), m.revoked[len(m.revoked)-1]) }
	r := grant(t, e, "revoke Payroll/Approver --from ada@example.com --yes")
	if r.Failure != nil || r.Err != "user ada@example.com had lost Payroll/Approver meanwhile\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
}

// TestLimitThatDoesNotHold: a limited role that the service does not show as
// limited is taken away again.
func TestLimitThatDoesNotHold(t *testing.T) {
	for name, limits := range map[string]func() (map[string][]provider.GroupLimit, error){
		"none":  func() (map[string][]provider.GroupLimit, error) { return nil, nil },
		"error": func() (map[string][]provider.GroupLimit, error) { return nil, errors.New("not told") },
	} {
		t.Run(name, func(t *testing.T) {
			e := company(t)
			m := meddle(t, e)
			m.limits = limits
			args := []string{"grant", "Help Desk Administrator", "--to", "ada@example.com", "--groups", "Finance"}
			r := e.Run(t, adminroles.New, "", args...)
			if r.Code != 10 || len(m.revoked) != 1 {
				t.Errorf("exit code %d, %d taken away: %v", r.Code, len(m.revoked), r.Failure)
			}
			if got := e.OK(t, grants.New, "list", "--to", "ada@example.com", "-o", "name"); got != "" {
				t.Errorf("still held: %q", got)
			}
			m.before = func() error { return errors.New("cannot") }
			r = e.Run(t, adminroles.New, "", args...)
			if r.Code == 0 || !strings.Contains(r.Failure.Error(), "could not be taken away, do it at once") {
				t.Errorf("exit code %d: %v", r.Code, r.Failure)
			}
		})
	}
}

// TestMany: more grantees than a batch holds, some of them twice or unknown.
func TestMany(t *testing.T) {
	e := company(t)
	var in strings.Builder
	docs := make([]idtest.Document, 0, 120)
	for i := range 120 {
		login := fmt.Sprintf("u%03d@example.com", i)
		docs = append(docs, dirtest.User(login, "U", fmt.Sprint(i)))
		in.WriteString(login + "\n")
	}
	e.Seed(t, docs...)
	r := e.Run(t, grants.New, in.String()+"u000@example.com\nnobody\n", "add", "Payroll/Approver", "--to", "-")
	if r.Code != 3 || !strings.Contains(r.Err, "122 grants: 120 granted, 1 unchanged, 1 failed\n") {
		t.Errorf("exit code %d: %v\n%s", r.Code, r.Failure, r.Err)
	}
	r = e.Run(t, users.New, in.String(), "unassign", "-", "--role", "Payroll/Approver", "--group", "Finance", "--yes", "-o", "csv")
	if r.Failure != nil || strings.Count(r.Out, ",revoked,") != 120 || strings.Count(r.Out, ",unchanged,") != 120 {
		t.Errorf("%v\n%s", r.Failure, r.Out)
	}
	if got := e.OK(t, grants.New, "list", "Payroll", "-o", "name"); got != "" {
		t.Errorf("left: %q", got)
	}
}

// TestAsks: a revoke asks, and does nothing when the answer is no.
func TestAsks(t *testing.T) {
	e := company(t)
	grant(t, e, "add Payroll/Approver --to ada@example.com")
	before := len(e.Writes())
	if r := grant(t, e, "revoke Payroll/Approver --from ada@example.com"); r.Code != 64 {
		t.Errorf("exit code %d, want 64: %v", r.Code, r.Failure)
	}
	if r := grant(t, e, "revoke Payroll/Approver --from ada@example.com --dry-run"); r.Failure != nil {
		t.Error(r.Failure)
	}
	if got := len(e.Writes()); got != before {
		t.Errorf("%d writes although nobody agreed", got-before)
	}
}
