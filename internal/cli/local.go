package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// localURL is the address of the profile local. Nothing listens there: the
// requests go to the emulator in this process. The name is a loopback one, so
// that the rules for secrets and Host headers hold as they are.
const localURL = "http://localhost"

// localFile is its database in the folder of the profile.
const localFile = "idctl.db"

// localService is the emulator of the profile local on its database file.
// Several processes may have it open at once: they are one service, because
// everything that counts is in the file.
type localService struct {
	store   store.Store
	service *emulator.Service
	creds   cmdutil.Credentials
}

// openLocal opens the service once.
func (c *connector) openLocal(ctx context.Context) (*localService, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local != nil {
		return c.local, nil
	}
	dir, err := c.deps.Paths.State(config.LocalProfile)
	if err != nil {
		return nil, fmt.Errorf("profile local: %w", err)
	}
	if err := atomicfile.Folder(dir); err != nil {
		return nil, fmt.Errorf("profile local: %w", err)
	}
	creds, _, err := cmdutil.ReadOrMakeCredentials(ctx, filepath.Join(dir, "credentials.json"), "local-")
	if err != nil {
		return nil, fmt.Errorf("profile local: %w", err)
	}
	file := filepath.Join(dir, localFile)
	st, err := sqlite.Open(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("profile local: open %s: %w", file, err)
	}
	svc, err := emulator.New(ctx, emulator.Options{
		Store: st, Clock: emulatorClock(c.deps.Clock), BaseURL: localURL, Log: c.deps.Log,
		ClientID: creds.ClientID, ClientSecret: creds.ClientSecret,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("profile local: start on %s: %w", file, err), st.Close())
	}
	c.local = &localService{store: st, service: svc, creds: creds}
	return c.local, nil
}

type emulatorClock func() time.Time

func (c emulatorClock) Now() time.Time { return c() }

// transport reaches the service as its own client, without a token: whoever
// holds the database needs none, and the first command need not wait for a
// signing key.
func (l *localService) transport() http.RoundTripper { return l.service.TransportAs(l.creds.ClientID) }

func (l *localService) credentials() (string, auth.Secret) {
	return l.creds.ClientID, auth.Secret(l.creds.ClientSecret)
}

func (l *localService) close() error {
	if err := errors.Join(l.service.Close(), l.store.Close()); err != nil {
		return fmt.Errorf("close the profile local: %w", err)
	}
	return nil
}
