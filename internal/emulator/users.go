package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// directory answers the authorisation server's questions about users from
// their stored documents, of which the engine keeps the password as a hash.
type directory struct {
	store     store.Store
	resources Resources
}

// storedUser is what signing in needs of a stored document.
type storedUser struct {
	OCID        string `json:"ocid"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Active      *bool  `json:"active"`
	Password    string `json:"password"`
	State       struct {
		Locked struct {
			On bool `json:"on"`
		} `json:"locked"`
	} `json:"urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"`
}

// usable says whether the user may sign in.
func (u *storedUser) usable() bool { return (u.Active == nil || *u.Active) && !u.State.Locked.On }

// Verify implements oauth.Passwords. Failures are not counted: locking after
// too many of them is not built.
func (d directory) Verify(ctx context.Context, userName, password string) (oauth.Subject, error) {
	id, u, err := d.find(ctx, userName)
	if errors.Is(err, oauth.ErrNoUser) {
		return oauth.Subject{}, oauth.ErrBadCredentials
	}
	if err != nil {
		return oauth.Subject{}, err
	}
	if u.Password == "" {
		return oauth.Subject{}, oauth.ErrBadCredentials
	}
	right, err := engine.CheckPassword(u.Password, password)
	if err != nil {
		return oauth.Subject{}, fmt.Errorf("emulator: check password of user %s: %w", id, err)
	}
	if !right || !u.usable() {
		return oauth.Subject{}, oauth.ErrBadCredentials
	}
	return u.subject(id), nil
}

// Lookup implements oauth.Users.
func (d directory) Lookup(ctx context.Context, userName string) (oauth.Subject, error) {
	id, u, err := d.find(ctx, userName)
	if err != nil {
		return oauth.Subject{}, err
	}
	if !u.usable() {
		return oauth.Subject{}, oauth.ErrNoUser
	}
	return u.subject(id), nil
}

func (u *storedUser) subject(id string) oauth.Subject {
	return oauth.Subject{ID: id, OCID: u.OCID, UserName: u.UserName, DisplayName: u.DisplayName}
}

// find looks a user up by name, without regard to case as the schema says.
func (d directory) find(ctx context.Context, userName string) (string, *storedUser, error) {
	byName := filter.Compare{Attr: filter.AttrPath{Name: "userName"}, Op: filter.OpEqual, Value: userName}
	list, err := d.resources.List(ctx, engine.Call{}, "User", engine.Params{
		Filter: byName.String(), Attributes: []string{"id"},
	})
	if err != nil {
		return "", nil, fmt.Errorf("emulator: find user: %w", err)
	}
	if len(list.Resources) != 1 {
		return "", nil, oauth.ErrNoUser
	}
	id, _ := list.Resources[0]["id"].(string)
	var rec store.Record
	err = d.store.View(ctx, func(tx store.Tx) error {
		var err error
		rec, err = tx.Get("User", id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) { // deleted in between
		return "", nil, oauth.ErrNoUser
	}
	if err != nil {
		return "", nil, fmt.Errorf("emulator: find user: %w", err)
	}
	var u storedUser
	if err := json.Unmarshal(rec.Data, &u); err != nil {
		return "", nil, fmt.Errorf("emulator: stored user %s: %w", id, err)
	}
	return id, &u, nil
}
