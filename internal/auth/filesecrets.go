package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// FileSecrets keeps secrets in a JSON file of its own, 0600. Changes are made
// under a lock, so that two processes do not undo each other's.
type FileSecrets struct {
	// Path of the file. It and its directory are made when they are missing.
	Path string
	// LockWait is how long to wait for another process. Default 10 s.
	LockWait time.Duration
}

var _ Secrets = (*FileSecrets)(nil)

const secretsVersion = 1

type secretsFile struct {
	Version  int                                `json:"version"`
	Profiles map[string]map[string]storedSecret `json:"profiles"`
}

type storedSecret struct {
	Origin string `json:"origin"`
	Value  string `json:"value"` // plain: this file is where it is kept
}

// Get returns a secret.
func (f *FileSecrets) Get(_ context.Context, profile, origin, name string) (Secret, error) {
	content, err := f.load()
	if err != nil {
		return "", err
	}
	s, ok := content.Profiles[profile][name]
	if !ok {
		return "", notFound(profile, name, f.Path)
	}
	if err := checkOrigin(profile, name, s.Origin, origin); err != nil {
		return "", err
	}
	return Secret(s.Value), nil
}

// Set stores a secret.
func (f *FileSecrets) Set(ctx context.Context, profile, origin, name string, value Secret) error {
	normal, err := normalOrigin(origin)
	if err != nil {
		return err
	}
	if value.IsZero() {
		return fmt.Errorf("%s of profile %q is empty: nothing was stored", name, profile)
	}
	return f.change(ctx, func(c *secretsFile) error {
		if c.Profiles[profile] == nil {
			c.Profiles[profile] = make(map[string]storedSecret)
		}
		c.Profiles[profile][name] = storedSecret{Origin: normal, Value: value.Reveal()}
		return nil
	})
}

// Delete removes a secret.
func (f *FileSecrets) Delete(ctx context.Context, profile, name string) error {
	return f.change(ctx, func(c *secretsFile) error {
		if _, ok := c.Profiles[profile][name]; !ok {
			return notFound(profile, name, f.Path)
		}
		delete(c.Profiles[profile], name)
		if len(c.Profiles[profile]) == 0 {
			delete(c.Profiles, profile)
		}
		return nil
	})
}

// List returns the names of a profile's secrets.
func (f *FileSecrets) List(_ context.Context, profile string) ([]string, error) {
	content, err := f.load()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(content.Profiles[profile])), nil
}

func (f *FileSecrets) load() (*secretsFile, error) {
	empty := &secretsFile{Version: secretsVersion, Profiles: make(map[string]map[string]storedSecret)}
	data, err := readFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return empty, nil
	case err != nil:
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	var content secretsFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	// The decoder's error may quote the file, so it is not passed on.
	if dec.Decode(&content) != nil || dec.More() {
		return nil, fmt.Errorf("%s: %w: repair it or move it away, then set the secrets again", f.Path, ErrDamaged)
	}
	if content.Version != secretsVersion {
		return nil, fmt.Errorf("%s has version %d, this idctl writes version %d: %w", f.Path, content.Version, secretsVersion, ErrDamaged)
	}
	if content.Profiles == nil {
		content.Profiles = empty.Profiles
	}
	return &content, nil
}

func (f *FileSecrets) change(ctx context.Context, edit func(*secretsFile) error) error {
	// A directory that exists is the user's: the file's own mode has to do.
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return fmt.Errorf("store secrets: make directory: %w", err)
	}
	wait := f.LockWait
	if wait <= 0 {
		wait = 10 * time.Second
	}
	unlock, err := lock(ctx, f.Path, wait)
	if err != nil {
		return fmt.Errorf("store secrets: %w", err)
	}
	defer unlock()
	content, err := f.load()
	if err != nil {
		return err
	}
	if err := edit(content); err != nil {
		return err
	}
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("encode secrets: %w", err)
	}
	return writeFile(f.Path, append(data, '\n'))
}
