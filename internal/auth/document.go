package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
)

const secretsVersion = 1

// secretsFile is the content of a file of secrets, be it encrypted or not.
type secretsFile struct {
	Version  int                                `json:"version"`
	Profiles map[string]map[string]storedSecret `json:"profiles"`
}

type storedSecret struct {
	Origin string `json:"origin"`
	Value  string `json:"value"` // plain: Secret would be written as "[redacted]"
}

func newSecretsFile() *secretsFile {
	return &secretsFile{Version: secretsVersion, Profiles: make(map[string]map[string]storedSecret)}
}

// decodeSecrets reads the content of the file at path.
func decodeSecrets(path string, data []byte) (*secretsFile, error) {
	var content secretsFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	// The decoder's error may quote the file, so it is not passed on.
	if dec.Decode(&content) != nil || dec.More() {
		return nil, damaged(path)
	}
	if content.Version != secretsVersion {
		return nil, fmt.Errorf("%s has version %d, this idctl writes version %d: %w", path, content.Version, secretsVersion, ErrDamaged)
	}
	if content.Profiles == nil {
		content.Profiles = make(map[string]map[string]storedSecret)
	}
	return &content, nil
}

func damaged(path string) error {
	return fmt.Errorf("%s: %w: repair it or move it away, then set the secrets again", path, ErrDamaged)
}

func (c *secretsFile) encode() ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	return append(data, '\n'), nil
}

func (c *secretsFile) get(path, profile, origin, name string) (Secret, error) {
	s, ok := c.Profiles[profile][name]
	if !ok {
		return "", notFound(profile, name, path)
	}
	if err := checkOrigin(profile, name, s.Origin, origin); err != nil {
		return "", err
	}
	return Secret(s.Value), nil
}

func (c *secretsFile) set(profile, name string, s storedSecret) {
	if c.Profiles[profile] == nil {
		c.Profiles[profile] = make(map[string]storedSecret)
	}
	c.Profiles[profile][name] = s
}

func (c *secretsFile) remove(path, profile, name string) error {
	if _, ok := c.Profiles[profile][name]; !ok {
		return notFound(profile, name, path)
	}
	delete(c.Profiles[profile], name)
	if len(c.Profiles[profile]) == 0 {
		delete(c.Profiles, profile)
	}
	return nil
}

func (c *secretsFile) names(profile string) []string {
	return slices.Sorted(maps.Keys(c.Profiles[profile]))
}

// lockSecrets makes the folder of a file of secrets and takes its lock.
func lockSecrets(ctx context.Context, path string, wait time.Duration) (unlock func(), err error) {
	// A directory that exists is the user's: the file's own mode has to do.
	if err := atomicfile.Folder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("store secrets: make directory: %w", err)
	}
	unlock, err = lock(ctx, path, orDefault(wait, 10*time.Second))
	if err != nil {
		return nil, fmt.Errorf("store secrets: %w", err)
	}
	return unlock, nil
}
