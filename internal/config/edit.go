package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"go.yaml.in/yaml/v3"

	"github.com/idctl/idctl/internal/atomicfile"
)

// lockRetry is how often a lock that another process holds is tried.
const lockRetry = 20 * time.Millisecond

// Editor changes the configuration. Its methods report what the file does not
// allow; nothing is written then.
type Editor struct {
	root *yaml.Node
	cur  *Config
}

// Edit changes the file: it locks out other processes, reads, calls change,
// validates the result and puts it into place in one step, 0600. Comments and
// order stay. A file behind a symbolic link stays behind it.
func Edit(ctx context.Context, file string, change func(*Editor) error) (err error) {
	if target, lerr := filepath.EvalSymlinks(file); lerr == nil {
		file = target
	}
	dir := filepath.Dir(file)
	if err := atomicfile.Folder(dir); err != nil {
		return fmt.Errorf("make the configuration folder: %w", err)
	}
	lock := flock.New(file+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("lock %s: %w", file, err)
	}
	defer func() {
		if uerr := lock.Unlock(); uerr != nil && err == nil {
			err = uerr
		}
	}()

	data, err := readLimited(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read configuration: %w", err)
	}
	cur, err := parse(file, data)
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return &FileError{File: file, Err: err}
	}
	if len(doc.Content) == 0 {
		head := doc.HeadComment
		doc = yaml.Node{Kind: yaml.DocumentNode, HeadComment: head, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
		set(doc.Content[0], "version", scalar("1"))
	}
	if err := change(&Editor{root: doc.Content[0], cur: cur}); err != nil {
		return err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if _, err := parse(file, out.Bytes()); err != nil {
		return err
	}
	if err := atomicfile.Write(file, out.Bytes()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// Config is the configuration before the change.
func (e *Editor) Config() *Config { return e.cur }

// Add adds a profile; the first one becomes the current one.
func (e *Editor) Add(p Profile) error {
	if err := CheckName(p.Name); err != nil {
		return err
	}
	if strings.EqualFold(p.Name, LocalProfile) {
		return fmt.Errorf("profile %q is built in: %w", LocalProfile, ErrProfileExists)
	}
	if _, err := e.cur.Find(p.Name); err == nil {
		return fmt.Errorf("profile %q: %w", p.Name, ErrProfileExists)
	}
	profiles := child(e.root, "profiles")
	if profiles == nil || profiles.Kind != yaml.MappingNode {
		profiles = &yaml.Node{Kind: yaml.MappingNode}
		set(e.root, "profiles", profiles)
	}
	body := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range Settings() {
		if v := p.Values[s.Key]; v != "" {
			set(body, s.Key, scalar(v))
		}
	}
	set(profiles, p.Name, body)
	if e.cur.Current == "" {
		e.use(p.Name)
	}
	return nil
}

// Set changes one setting of a profile; an empty value takes it out.
func (e *Editor) Set(profile, key, value string) error {
	p, err := e.cur.Find(profile)
	if err != nil {
		return err
	}
	s, ok := FindSetting(key)
	if !ok {
		return fmt.Errorf("unknown setting %q", key)
	}
	if err := s.Check(value); err != nil {
		return fmt.Errorf("%s: %w", s.Key, err)
	}
	profiles := child(e.root, "profiles")
	body := child(profiles, p.Name)
	if body.Kind != yaml.MappingNode { // a name with nothing below it
		body = &yaml.Node{Kind: yaml.MappingNode}
		set(profiles, p.Name, body)
	}
	if value == "" {
		remove(body, s.Key)
		return nil
	}
	set(body, s.Key, scalar(value))
	return nil
}

// Use makes a profile the current one; local is allowed.
func (e *Editor) Use(profile string) error {
	if strings.EqualFold(profile, LocalProfile) {
		e.use(LocalProfile)
		return nil
	}
	p, err := e.cur.Find(profile)
	if err != nil {
		return err
	}
	e.use(p.Name)
	return nil
}

func (e *Editor) use(name string) { set(e.root, "current", scalar(name)) }

// Remove takes a profile out. When it was the current one, none is afterwards.
func (e *Editor) Remove(profile string) error {
	p, err := e.cur.Find(profile)
	if err != nil {
		return err
	}
	remove(child(e.root, "profiles"), p.Name)
	if strings.EqualFold(e.cur.Current, p.Name) {
		remove(e.root, "current")
	}
	return nil
}

// scalar is a string that no reader takes for a number or a date.
func scalar(v string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(v)
	return n
}

func index(m *yaml.Node, key string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if strings.EqualFold(m.Content[i].Value, key) {
			return i
		}
	}
	return -1
}

func child(m *yaml.Node, key string) *yaml.Node {
	if i := index(m, key); i >= 0 {
		return m.Content[i+1]
	}
	return nil
}

// set keeps the comments of a value it replaces.
func set(m *yaml.Node, key string, value *yaml.Node) {
	i := index(m, key)
	if i < 0 {
		m.Content = append(m.Content, scalar(key), value)
		return
	}
	old := m.Content[i+1]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	m.Content[i+1] = value
}

func remove(m *yaml.Node, key string) {
	if i := index(m, key); i >= 0 {
		m.Content = append(m.Content[:i], m.Content[i+2:]...)
	}
}
