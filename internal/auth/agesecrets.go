package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/idctl/idctl/internal/atomicfile"
)

// AgeSecrets keeps secrets in one file that is encrypted with age, 0600, which
// the age program opens too. The file is encrypted either to a key of its own,
// which lies in the keyring, or with a passphrase. Which of both is decided
// when the file is made: a passphrase that is given makes a file with a
// passphrase, otherwise the key goes into the keyring, and where there is no
// keyring somebody is asked for a passphrase. From then on the file itself
// says what opens it. Changes are made under a lock. Safe for concurrent use.
type AgeSecrets struct {
	// Path of the file. It and its directory are made when they are missing.
	Path string
	// Vault holds the key. Needed.
	Vault *Vault
	// Passphrase is the one that the environment gives, if it does.
	Passphrase Secret
	// Ask asks for a passphrase when one is needed and none is given, a new one
	// when first. It is asked once. Nil: there is nobody to ask.
	Ask func(ctx context.Context, first bool) (Secret, error)
	// WorkFactor of a passphrase: 2 to its power. Default 15, about 0.1 s; the
	// age program's own, 18, would take a second at each call of idctl that
	// needs a secret.
	WorkFactor int
	// LockWait is how long to wait for another process. Default 10 s.
	LockWait time.Duration

	mu    sync.Mutex
	asked Secret
}

var (
	_ Secrets   = (*AgeSecrets)(nil)
	_ Describer = (*AgeSecrets)(nil)
	_ Checker   = (*AgeSecrets)(nil)
	_ Sealer    = (*AgeSecrets)(nil)
)

var (
	// ErrPassphrase means that the passphrase is not the one of the file.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrKeyMissing means that the keyring has no key for the file.
	ErrKeyMissing = errors.New("the key is not in the keyring")
)

const (
	workFactor = 15
	// maxWorkFactor is read of files that the age program made.
	maxWorkFactor = 20
)

// keyStanza is the kind of line in the file's header that names the key: its
// public half, under which the private one lies in the keyring. age programs
// pass over lines that they do not know. So each file has a key of its own,
// and no key in the keyring is ever overwritten.
const keyStanza = "idctl-keyring"

// keyAccount is the entry in the keyring for the key of a file.
func keyAccount(recipient string) string { return "age/" + recipient }

// seal is what a file is encrypted with: a passphrase or a key.
type seal struct {
	passphrase Secret
	key        *age.X25519Identity
}

// keyNote writes the keyStanza. It wraps nothing.
type keyNote string

// Wrap implements age.Recipient.
func (n keyNote) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: keyStanza, Args: []string{string(n)}}}, nil
}

// headerReader keeps the lines of a header and opens nothing.
type headerReader struct{ stanzas []*age.Stanza }

// Unwrap implements age.Identity.
func (h *headerReader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	h.stanzas = stanzas
	return nil, age.ErrIncorrectIdentity
}

// header says what opens a file: a passphrase, or else the key of a recipient.
func header(path string, data []byte) (recipient string, passphrase bool, err error) {
	var h headerReader
	// It fails in any case, because nothing is opened; without lines it is
	// because there is no header.
	if _, err := age.Decrypt(bytes.NewReader(data), &h); err != nil && h.stanzas == nil {
		return "", false, damaged(path)
	}
	for _, s := range h.stanzas {
		switch {
		case s.Type == "scrypt":
			return "", true, nil
		case s.Type == keyStanza && len(s.Args) == 1:
			return s.Args[0], false, nil
		}
	}
	return "", false, fmt.Errorf("%s is an age file that idctl did not write: %w: move it away, then set the secrets again", path, ErrDamaged)
}

// Describe says where the secrets are and what opens them. It reads no more
// than the head of the file.
func (a *AgeSecrets) Describe() string {
	text := "encrypted file " + a.Path + ", "
	data, err := readFile(a.Path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return text + "not made yet"
		}
		return text + "not readable"
	}
	recipient, passphrase, err := header(a.Path, data)
	switch {
	case err != nil:
		return text + "damaged"
	case passphrase:
		return text + "opened by a passphrase"
	}
	return text + "its key " + keyAccount(recipient) + " in " + keyringName(runtime.GOOS)
}

// Sealed says whether somebody would have to be asked for the passphrase.
func (a *AgeSecrets) Sealed() bool {
	a.mu.Lock()
	known := a.Passphrase != "" || a.asked != ""
	a.mu.Unlock()
	if known {
		return false
	}
	data, err := readFile(a.Path)
	if err != nil {
		return false
	}
	_, passphrase, err := header(a.Path, data)
	return err == nil && passphrase
}

// Check gets hold of what opens the file, or of what a new one would be made
// with, and leaves the rest to Set.
func (a *AgeSecrets) Check(ctx context.Context) error {
	data, err := readFile(a.Path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err := a.choose(ctx)
		return err
	}
	if err != nil {
		return fmt.Errorf("read secrets: %w", err)
	}
	_, passphrase, err := header(a.Path, data)
	switch {
	case err != nil:
		return err
	case passphrase:
		_, err := a.passphrase(ctx, false)
		return err
	}
	return a.Vault.Check(ctx)
}

// Get returns a secret. ErrPassphrase, ErrKeyMissing, ErrNoKeyring and
// ErrDamaged besides those of Secrets.
func (a *AgeSecrets) Get(ctx context.Context, profile, origin, name string) (Secret, error) {
	content, _, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	return content.get(a.Path, profile, origin, name)
}

// Set stores a secret.
func (a *AgeSecrets) Set(ctx context.Context, profile, origin, name string, value Secret) error {
	s, err := newStored(profile, origin, name, value)
	if err != nil {
		return err
	}
	return a.change(ctx, func(c *secretsFile) error {
		c.set(profile, name, s)
		return nil
	})
}

// Delete removes a secret; with the last one go the file and its key.
func (a *AgeSecrets) Delete(ctx context.Context, profile, name string) error {
	if _, err := os.Stat(a.Path); errors.Is(err, fs.ErrNotExist) {
		return notFound(profile, name, a.Path) // nothing to be asked for
	}
	return a.change(ctx, func(c *secretsFile) error { return c.remove(a.Path, profile, name) })
}

// List returns the names of a profile's secrets.
func (a *AgeSecrets) List(ctx context.Context, profile string) ([]string, error) {
	content, _, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	return content.names(profile), nil
}

// load reads the file. Of one that is not there it returns no seal.
func (a *AgeSecrets) load(ctx context.Context) (*secretsFile, *seal, error) {
	data, err := readFile(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newSecretsFile(), nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read secrets: %w", err)
	}
	recipient, passphrase, err := header(a.Path, data)
	if err != nil {
		return nil, nil, err
	}
	s := &seal{}
	if passphrase {
		s.passphrase, err = a.passphrase(ctx, false)
	} else {
		s.key, err = a.key(ctx, recipient)
	}
	if err != nil {
		return nil, nil, err
	}
	plain, err := a.open(data, s)
	if err != nil {
		return nil, nil, err
	}
	content, err := decodeSecrets(a.Path, plain)
	return content, s, err
}

// passphrase is the one given, the one asked for before, or an answer.
func (a *AgeSecrets) passphrase(ctx context.Context, first bool) (Secret, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.Passphrase != "":
		return a.Passphrase, nil
	case a.asked != "":
		return a.asked, nil
	case a.Ask == nil:
		return "", fmt.Errorf("%s needs its passphrase: %w: set IDCTL_AGE_PASSPHRASE", a.Path, ErrPassphrase)
	}
	answer, err := a.Ask(ctx, first)
	if err != nil {
		return "", err
	}
	if answer == "" {
		return "", fmt.Errorf("%s needs a passphrase that is not empty: %w", a.Path, ErrPassphrase)
	}
	a.asked = answer
	return answer, nil
}

// choose decides what a new file is made with: a passphrase, or none, which
// stands for a key in the keyring.
func (a *AgeSecrets) choose(ctx context.Context) (Secret, error) {
	a.mu.Lock()
	known := a.Passphrase != "" || a.asked != ""
	a.mu.Unlock()
	if known {
		return a.passphrase(ctx, true)
	}
	err := a.Vault.Check(ctx)
	if !errors.Is(err, ErrNoKeyring) {
		return "", err
	}
	if a.Ask == nil {
		return "", fmt.Errorf("make %s: %w; or set IDCTL_AGE_PASSPHRASE", a.Path, err)
	}
	s, aerr := a.passphrase(ctx, true)
	if aerr != nil {
		return "", fmt.Errorf("make %s: %w; a passphrase in its place: %w", a.Path, err, aerr)
	}
	return s, nil
}

// key fetches the private key of a recipient.
func (a *AgeSecrets) key(ctx context.Context, recipient string) (*age.X25519Identity, error) {
	text, err := a.Vault.get(ctx, keyAccount(recipient))
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%s: %w: entry %s of service %s: restore it, or move the file away and log in again",
			a.Path, ErrKeyMissing, keyAccount(recipient), keyringService)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", a.Path, err)
	}
	id, err := age.ParseX25519Identity(text)
	if err != nil || id.Recipient().String() != recipient { // its text may hold a part of the key
		return nil, fmt.Errorf("%s: %w: entry %s in the keyring is not its key", a.Path, ErrKeyMissing, keyAccount(recipient))
	}
	return id, nil
}

func (a *AgeSecrets) open(data []byte, s *seal) ([]byte, error) {
	var id age.Identity = s.key
	if s.key == nil {
		p, err := age.NewScryptIdentity(s.passphrase.Reveal())
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", a.Path, err)
		}
		p.SetMaxWorkFactor(maxWorkFactor)
		id = p
	}
	r, err := age.Decrypt(bytes.NewReader(data), id)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity) && s.key == nil:
		a.mu.Lock()
		a.asked = "" // the next call may do better
		a.mu.Unlock()
		return nil, fmt.Errorf("open %s: %w (IDCTL_AGE_PASSPHRASE, or the one typed)", a.Path, ErrPassphrase)
	case err != nil:
		return nil, damaged(a.Path)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil || len(plain) > maxFile {
		return nil, damaged(a.Path)
	}
	return plain, nil
}

// newSeal makes what a new file is encrypted with. A key is in the keyring,
// and was read back from there, before anything depends on it.
func (a *AgeSecrets) newSeal(ctx context.Context) (*seal, error) {
	p, err := a.choose(ctx)
	if err != nil {
		return nil, err
	}
	if p != "" {
		return &seal{passphrase: p}, nil
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make a key for %s: %w", a.Path, err)
	}
	if err := a.Vault.set(ctx, keyAccount(id.Recipient().String()), id.String()); err != nil {
		return nil, fmt.Errorf("store the key of %s: %w", a.Path, err)
	}
	return &seal{key: id}, nil
}

func (s *seal) encrypt(plain []byte, work int) ([]byte, error) {
	var to []age.Recipient
	if s.key != nil {
		r := s.key.Recipient()
		to = []age.Recipient{r, keyNote(r.String())}
	} else {
		r, err := age.NewScryptRecipient(s.passphrase.Reveal())
		if err != nil {
			return nil, err
		}
		r.SetWorkFactor(work)
		to = []age.Recipient{r}
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// change edits the content under the file's lock. Whoever may be asked for
// something is asked before, so that other processes do not wait for that.
func (a *AgeSecrets) change(ctx context.Context, edit func(*secretsFile) error) error {
	if err := a.Check(ctx); err != nil {
		return err
	}
	unlock, err := lockSecrets(ctx, a.Path, a.LockWait)
	if err != nil {
		return err
	}
	defer unlock()
	content, s, err := a.load(ctx)
	if err != nil {
		return err
	}
	if err := edit(content); err != nil {
		return err
	}
	if len(content.Profiles) == 0 {
		return a.discard(ctx, s)
	}
	plain, err := content.encode()
	if err != nil {
		return err
	}
	fresh := s == nil
	if fresh {
		if s, err = a.newSeal(ctx); err != nil {
			return err
		}
	}
	work := a.WorkFactor
	if work < 1 || work > maxWorkFactor { // more could not be read again
		work = workFactor
	}
	data, err := s.encrypt(plain, work)
	if err != nil {
		err = fmt.Errorf("encrypt %s: %w", a.Path, err)
	} else {
		err = writeFile(a.Path, data)
	}
	if err != nil && fresh {
		return errors.Join(err, a.forgetKey(ctx, s))
	}
	return err
}

// discard removes a file without secrets and then its key, which opens
// nothing any more.
func (a *AgeSecrets) discard(ctx context.Context, s *seal) error {
	if s == nil {
		return nil // there is no file
	}
	if err := os.Remove(a.Path); err != nil {
		return fmt.Errorf("remove the file of secrets: %w", err)
	}
	atomicfile.SyncDir(filepath.Dir(a.Path))
	return a.forgetKey(ctx, s)
}

func (a *AgeSecrets) forgetKey(ctx context.Context, s *seal) error {
	if s.key == nil {
		return nil
	}
	err := a.Vault.delete(ctx, keyAccount(s.key.Recipient().String()))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("remove the key of %s: %w", a.Path, err)
	}
	return nil
}
