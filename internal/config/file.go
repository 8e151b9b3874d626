package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// delimiter separates keys inside viper. The default, a dot, would take a
// profile named after a host apart.
const delimiter = "::"

// maxFile bounds the file; a profile takes some 300 bytes.
const maxFile = 1 << 20

// Errors of this package, to be tested with errors.Is.
var (
	// ErrUnknownProfile: no profile of that name.
	ErrUnknownProfile = errors.New("no such profile")
	// ErrProfileExists: the name is taken.
	ErrProfileExists = errors.New("profile exists")
)

// FileError is a mistake in the file, with the line it stands on.
type FileError struct {
	File string
	Line int // 0 when the whole file is meant
	Err  error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// ExitCode is the code of a usage error: nothing was sent.
func (e *FileError) ExitCode() int { return 64 }

// Profile is one entry of the file: settings as written, by key. Values are
// valid.
type Profile struct {
	Name   string
	Values map[string]string
	lines  map[string]int
}

// Config is the file as it was read. It does not change; see Edit.
type Config struct {
	File     string
	Current  string
	Profiles []Profile // in the order of the file
}

// Load reads the file. A file that does not exist is an empty configuration.
func Load(file string) (*Config, error) {
	data, err := readLimited(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Config{File: file}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(file, data)
}

func readLimited(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxFile)
	}
	return data, err
}

// parse reads the tree first, for lines, for the names' case and to take every
// scalar as the text that stands there: to YAML an unquoted 0123 is 83. What
// viper then sees holds nothing but strings.
func parse(file string, data []byte) (*Config, error) {
	fail := func(n *yaml.Node, format string, args ...any) error {
		e := &FileError{File: file, Err: fmt.Errorf(format, args...)}
		if n != nil {
			e.Line = n.Line
		}
		return e
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, &FileError{File: file, Err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	c := &Config{File: file}
	if len(doc.Content) == 0 {
		return c, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fail(root, "want keys and values")
	}
	if err := checkTree(&doc, fail); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(&doc)
	if err != nil {
		return nil, fail(nil, "%w", err)
	}
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	v.SetConfigType("yaml")
	v.SetDefault("version", "1")
	if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
		return nil, fail(nil, "%w", err)
	}
	if ver := v.GetString("version"); ver != "1" {
		return nil, fail(root, "version %q is not known; a newer idctl wrote this file", ver)
	}
	c.Current = v.GetString("current")

	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch strings.ToLower(key.Value) {
		case "version", "current":
		case "profiles":
			if err := c.readProfiles(v, value, fail); err != nil {
				return nil, err
			}
		default:
			return nil, fail(key, "unknown key %q", key.Value)
		}
	}
	return c, nil
}

type failer func(n *yaml.Node, format string, args ...any) error

// checkTree refuses what has no place in the file and makes every scalar a
// string.
func checkTree(n *yaml.Node, fail failer) error {
	switch n.Kind {
	case yaml.AliasNode:
		return fail(n, "aliases are not supported")
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			n.Value = ""
		}
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i < len(n.Content); i += 2 {
			k := strings.ToLower(n.Content[i].Value)
			if seen[k] {
				return fail(n.Content[i], "%q stands here twice", n.Content[i].Value)
			}
			if strings.Contains(k, delimiter) {
				return fail(n.Content[i], "%q: names cannot hold %s", n.Content[i].Value, delimiter)
			}
			seen[k] = true
		}
	}
	for _, child := range n.Content {
		if err := checkTree(child, fail); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) readProfiles(v *viper.Viper, n *yaml.Node, fail failer) error {
	if n.Kind == yaml.ScalarNode && n.Value == "" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fail(n, "profiles: want names with settings below")
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, body := n.Content[i], n.Content[i+1]
		if err := CheckName(key.Value); err != nil {
			return fail(key, "%w", err)
		}
		if strings.EqualFold(key.Value, LocalProfile) {
			return fail(key, "profile %q is built in and cannot be set here", LocalProfile)
		}
		p := Profile{Name: key.Value, Values: map[string]string{}, lines: map[string]int{}}
		if body.Kind != yaml.MappingNode && body.Value != "" {
			return fail(body, "profile %s: want settings", key.Value)
		}
		for j := 0; j < len(body.Content); j += 2 {
			k, val := body.Content[j], body.Content[j+1]
			s, ok := FindSetting(k.Value)
			if !ok {
				return fail(k, "profile %s: unknown setting %q%s", p.Name, k.Value, secretAdvice(k.Value))
			}
			if val.Kind != yaml.ScalarNode {
				return fail(val, "profile %s: %s: want one value", p.Name, s.Key)
			}
			text := v.GetString(strings.Join([]string{"profiles", key.Value, k.Value}, delimiter))
			if err := s.Check(text); err != nil {
				return fail(val, "profile %s: %s: %w", p.Name, s.Key, err)
			}
			if text != "" {
				p.Values[s.Key], p.lines[s.Key] = text, val.Line
			}
		}
		c.Profiles = append(c.Profiles, p)
	}
	return nil
}

// secretAdvice answers the likely reason for a setting that must not be.
func secretAdvice(key string) string {
	k := strings.ToLower(key)
	if strings.Contains(k, "secret") || strings.Contains(k, "password") || k == "token" {
		return "; secrets are not kept in this file, use idctl login"
	}
	return ""
}

// Find returns a profile by name, without regard to case.
func (c *Config) Find(name string) (Profile, error) {
	for _, p := range c.Profiles {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("profile %q: %w", name, ErrUnknownProfile)
}
