package emulator

import (
	"context"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
)

// directory answers the authorisation server's questions about users: the
// engine knows who may sign in.
type directory struct {
	engine *engine.Engine
}

// Verify implements oauth.Passwords. That a password which has to be changed
// is good enough for a token, unless it is too old, is a guess.
func (d directory) Verify(ctx context.Context, userName, password string) (oauth.Subject, error) {
	u, err := d.engine.SignIn(ctx, userName, password)
	switch {
	case err == nil, errors.Is(err, engine.ErrPasswordMustChange) && !u.Expired:
		return oauth.Subject{ID: u.UserID, OCID: u.OCID, UserName: u.UserName, DisplayName: u.DisplayName}, nil
	case errors.Is(err, engine.ErrPasswordMustChange):
		return oauth.Subject{}, oauth.ErrPasswordExpired
	case errors.Is(err, engine.ErrBadCredentials):
		return oauth.Subject{}, oauth.ErrBadCredentials
	case errors.Is(err, engine.ErrBlocked):
		return oauth.Subject{}, oauth.ErrUserInactive
	case errors.Is(err, engine.ErrLocked):
		return oauth.Subject{}, oauth.ErrUserLocked
	case errors.Is(err, engine.ErrNotActivated):
		return oauth.Subject{}, oauth.ErrNotActivated
	}
	return oauth.Subject{}, fmt.Errorf("emulator: sign-in: %w", err)
}

// Lookup implements oauth.Users.
func (d directory) Lookup(ctx context.Context, userName string) (oauth.Subject, error) {
	u, err := d.engine.Usable(ctx, userName)
	switch {
	case err == nil:
		return oauth.Subject{ID: u.UserID, OCID: u.OCID, UserName: u.UserName, DisplayName: u.DisplayName}, nil
	case errors.Is(err, engine.ErrBadCredentials), errors.Is(err, engine.ErrBlocked), errors.Is(err, engine.ErrLocked),
		errors.Is(err, engine.ErrNotActivated):
		return oauth.Subject{}, oauth.ErrNoUser
	}
	return oauth.Subject{}, fmt.Errorf("emulator: find user: %w", err)
}
