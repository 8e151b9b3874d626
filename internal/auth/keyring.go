package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/idctl/idctl/pkg/transport"
)

// Keyring is what is needed of a keyring. ErrNotFound means that there is no
// such entry; any other error that it is of no use. Calls may take as long as
// a person needs to unlock it, or never end: see Vault.
type Keyring interface {
	Get(service, account string) (string, error)
	Set(service, account, value string) error
	Delete(service, account string) error
}

// SystemKeyring is the operating system's: the Secret Service of a Linux or
// BSD desktop, the macOS keychain, the Windows credential manager. It is not
// touched before a method is called.
type SystemKeyring struct{}

var _ Keyring = SystemKeyring{}

// Get returns an entry.
func (SystemKeyring) Get(service, account string) (string, error) {
	v, err := keyring.Get(service, account)
	return v, keyringError(err)
}

// Set stores an entry in place of an older one.
func (SystemKeyring) Set(service, account, value string) error {
	return keyringError(keyring.Set(service, account, value))
}

// Delete removes an entry.
func (SystemKeyring) Delete(service, account string) error {
	return keyringError(keyring.Delete(service, account))
}

func keyringError(err error) error {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return ErrTooLarge
	}
	return err
}

var (
	// ErrNoKeyring means that the keyring is absent, locked or does not
	// answer; see NoKeyringError.
	ErrNoKeyring = errors.New("no usable keyring")
	// ErrTooLarge means that a secret is larger than the system's keyring takes.
	ErrTooLarge = errors.New("too large for the keyring")
)

// NoKeyringError is a keyring that cannot be used. Nothing else is used in its
// place: where secrets are kept is the user's choice.
type NoKeyringError struct{ Err error }

func (e *NoKeyringError) Error() string { return ErrNoKeyring.Error() + ": " + e.Err.Error() }
func (e *NoKeyringError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrNoKeyring) true.
func (e *NoKeyringError) Is(target error) bool { return target == ErrNoKeyring }

// Hint names the other places there are.
func (*NoKeyringError) Hint() string {
	return "unlock the keyring and try again, or choose another place with --secret-store: file, age, env or command"
}

var errKeyringSilent = errors.New("no answer: it may be locked, or be asking on another screen")

// keyringService is the name under which all entries of idctl are filed.
const keyringService = "idctl"

// probeAccount is looked up to see whether there is a keyring. It never exists.
const probeAccount = "probe"

// Vault is a keyring behind limits. It is probed once, before its first use,
// and the outcome is remembered; a call that gets no answer ends its use for
// good. A call that hangs is left behind with its goroutine: there is no way
// to end it. Safe for concurrent use.
type Vault struct {
	// Keyring and Clock are needed.
	Keyring Keyring
	Clock   transport.Clock
	// Limit of the probe. Default 3 s.
	Limit time.Duration
	// CallLimit bounds each later call, in which a keyring that is there may
	// ask its owner. Default 30 s.
	CallLimit time.Duration

	mu    sync.Mutex
	probe *probe
	dead  error // the first call without an answer
}

type probe struct {
	done chan struct{} // closed when err is set
	err  error
}

// Check probes the keyring unless that was done before. It returns a
// *NoKeyringError, or ctx's error when that ends first.
func (v *Vault) Check(ctx context.Context) error {
	v.mu.Lock()
	if v.probe == nil {
		p := &probe{done: make(chan struct{})}
		v.probe = p
		// A caller that gives up must not decide for those after it.
		free := context.WithoutCancel(ctx)
		go func() {
			defer close(p.done)
			_, err := limited(free, v.Clock, orDefault(v.Limit, 3*time.Second), func() (string, error) {
				return v.Keyring.Get(keyringService, probeAccount)
			})
			if err != nil && !errors.Is(err, ErrNotFound) {
				p.err = &NoKeyringError{Err: err}
			}
		}()
	}
	p := v.probe
	v.mu.Unlock()
	select {
	case <-p.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return p.err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dead
}

// get returns an entry. ErrNotFound, ErrNoKeyring.
func (v *Vault) get(ctx context.Context, account string) (string, error) {
	return v.call(ctx, func() (string, error) { return v.Keyring.Get(keyringService, account) })
}

// set stores an entry and reads it back, because the macOS tool does not say
// when it failed. ErrTooLarge, ErrNoKeyring.
func (v *Vault) set(ctx context.Context, account, value string) error {
	_, err := v.call(ctx, func() (string, error) { return "", v.Keyring.Set(keyringService, account, value) })
	if err != nil {
		if strings.Contains(err.Error(), value) { // whoever made the text meant well
			return &NoKeyringError{Err: errors.New("the entry was refused")}
		}
		return err
	}
	back, err := v.get(ctx, account)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && back != value:
		return &NoKeyringError{Err: errors.New("it did not keep what was stored")}
	case err != nil:
		return fmt.Errorf("read back what was stored: %w", err)
	}
	return nil
}

// delete removes an entry. ErrNotFound, ErrNoKeyring.
func (v *Vault) delete(ctx context.Context, account string) error {
	_, err := v.call(ctx, func() (string, error) { return "", v.Keyring.Delete(keyringService, account) })
	return err
}

func (v *Vault) call(ctx context.Context, f func() (string, error)) (string, error) {
	if err := v.Check(ctx); err != nil {
		return "", err
	}
	value, err := limited(ctx, v.Clock, orDefault(v.CallLimit, 30*time.Second), f)
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrTooLarge):
		return value, err
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return "", err
	}
	none := &NoKeyringError{Err: err}
	if errors.Is(err, errKeyringSilent) {
		v.mu.Lock()
		v.dead = none
		v.mu.Unlock()
	}
	return "", none
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

// limited calls f and waits for it no longer than limit and ctx allow. A panic
// in f comes out as an error: there is nobody else to catch it.
func limited(ctx context.Context, clock transport.Clock, limit time.Duration, f func() (string, error)) (string, error) {
	type answer struct {
		value string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("internal error: panic with a %T in the keyring's code", p)
			}
			done <- a
		}()
		a.value, a.err = f()
	}()
	timer, stop := context.WithCancel(ctx)
	defer stop()
	late := make(chan error, 1)
	go func() { late <- clock.Sleep(timer, limit) }()
	select {
	case a := <-done:
		return a.value, a.err
	case err := <-late:
		if err != nil {
			return "", err
		}
	}
	select {
	case a := <-done: // both at once: an answer is an answer
		return a.value, a.err
	default:
		return "", fmt.Errorf("%w (waited %s)", errKeyringSilent, limit)
	}
}
