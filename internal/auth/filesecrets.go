package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
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

var (
	_ Secrets   = (*FileSecrets)(nil)
	_ Describer = (*FileSecrets)(nil)
)

// Describe says where the secrets are.
func (f *FileSecrets) Describe() string { return "file " + f.Path + ", " + privacy(runtime.GOOS) }

// privacy says what keeps others from a file, encrypted or not.
func privacy(goos string) string {
	if goos == "windows" {
		return "kept from others by the access list of its folder"
	}
	return "readable by you alone"
}

// Get returns a secret.
func (f *FileSecrets) Get(_ context.Context, profile, origin, name string) (Secret, error) {
	content, err := f.load()
	if err != nil {
		return "", err
	}
	return content.get(f.Path, profile, origin, name)
}

// Set stores a secret.
func (f *FileSecrets) Set(ctx context.Context, profile, origin, name string, value Secret) error {
	s, err := newStored(profile, origin, name, value)
	if err != nil {
		return err
	}
	return f.change(ctx, func(c *secretsFile) error {
		c.set(profile, name, s)
		return nil
	})
}

// Delete removes a secret.
func (f *FileSecrets) Delete(ctx context.Context, profile, name string) error {
	return f.change(ctx, func(c *secretsFile) error { return c.remove(f.Path, profile, name) })
}

// List returns the names of a profile's secrets.
func (f *FileSecrets) List(_ context.Context, profile string) ([]string, error) {
	content, err := f.load()
	if err != nil {
		return nil, err
	}
	return content.names(profile), nil
}

func (f *FileSecrets) load() (*secretsFile, error) {
	data, err := readFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newSecretsFile(), nil
	case err != nil:
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return decodeSecrets(f.Path, data)
}

func (f *FileSecrets) change(ctx context.Context, edit func(*secretsFile) error) error {
	unlock, err := lockSecrets(ctx, f.Path, f.LockWait)
	if err != nil {
		return err
	}
	defer unlock()
	content, err := f.load()
	if err != nil {
		return err
	}
	if err := edit(content); err != nil {
		return err
	}
	data, err := content.encode()
	if err != nil {
		return err
	}
	return writeFile(f.Path, data)
}
