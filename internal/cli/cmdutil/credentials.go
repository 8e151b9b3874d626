package cmdutil

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/idctl/idctl/internal/atomicfile"
)

// Credentials are the client of an emulator's store, kept in a file beside it.
type Credentials struct {
	ClientID     string
	ClientSecret string
}

type credentialsJSON struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// ReadOrMakeCredentials returns the client kept in a file. The first use makes
// one, whose id starts with prefix, under a lock: of two processes that start
// together one makes it and the other reads it.
func ReadOrMakeCredentials(ctx context.Context, file, prefix string) (creds Credentials, made bool, err error) {
	creds, err = readCredentials(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return creds, false, err
	}
	if err := atomicfile.Folder(filepath.Dir(file)); err != nil {
		return creds, false, fmt.Errorf("credentials: %w", err)
	}
	lock := flock.New(file+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return creds, false, fmt.Errorf("lock %s: %w", file, err)
	}
	defer func() {
		if uerr := lock.Unlock(); err == nil {
			err = uerr
		}
	}()
	creds, err = readCredentials(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return creds, false, err
	}
	creds = Credentials{ClientID: prefix + rand.Text()[:12], ClientSecret: rand.Text() + rand.Text()}
	data, err := json.Marshal(map[string]string{"client_id": creds.ClientID, "client_secret": creds.ClientSecret})
	if err != nil {
		return creds, false, err
	}
	return creds, true, atomicfile.Write(file, append(data, '\n'))
}

func readCredentials(file string) (Credentials, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Credentials{}, err
	}
	var c credentialsJSON
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&c); err != nil || c.ClientID == "" || c.ClientSecret == "" {
		// The decoder's text is left out, it may quote the secret.
		return Credentials{}, fmt.Errorf("%s is damaged; remove it, the next run makes a new one", file)
	}
	return Credentials(c), nil
}
