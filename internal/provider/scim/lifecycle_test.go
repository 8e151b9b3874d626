package scim

import (
	"context"
	"errors"
	"testing"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// TestLifeCycleRefusals: what SCIM does not have is refused with the way that
// exists, and sends nothing.
func TestLifeCycleRefusals(t *testing.T) {
	l := (&Provider{}).LifeCycle() // without a connection: a call would panic
	for name, do := range map[string]func(context.Context) error{
		"invite": func(ctx context.Context) error { return l.Invite(ctx, "1", provider.ActOptions{}) },
		"unlock": func(ctx context.Context) error { return l.Unlock(ctx, "1", provider.ActOptions{}) },
		"reset":  func(ctx context.Context) error { return l.ResetPassword(ctx, "1", provider.ResetOptions{}) },
		"quiet": func(ctx context.Context) error {
			return l.SetPassword(ctx, "1", "p", provider.ResetOptions{Quiet: true})
		},
		"assert": func(ctx context.Context) error { _, err := l.Assert(ctx, "userName", "a", false); return err },
		"login":  func(ctx context.Context) error { _, err := l.SuggestUserName(ctx, "a@example.com"); return err },
		"check":  func(ctx context.Context) error { return l.CheckPassword(ctx, provider.PasswordCheck{}) },
		"history": func(ctx context.Context) error {
			for _, err := range l.History(ctx, scim.Document{}, provider.HistoryOptions{}) {
				return err
			}
			return nil
		},
	} {
		var refusal *provider.UnsupportedError
		if err := do(t.Context()); !errors.As(err, &refusal) || refusal.Hint() == "" {
			t.Errorf("%s: %v, want a refusal with a hint", name, err)
		}
	}
	if _, err := l.GeneratePassword(t.Context(), "1"); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("generate: %v", err)
	}
	if got, err := provider.ReadInvitations(t.Context(), l, []string{"1"}); got != nil || err != nil {
		t.Errorf("invitations: %v, %v", got, err)
	}
}
