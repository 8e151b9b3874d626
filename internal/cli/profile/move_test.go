package profile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
)

const home = "https://x.example.com"

var errKilled = errors.New("killed")

// killer ends a process at its n-th change of the world: just before it, or
// just after. From then on nothing works.
type killer struct {
	at    int // 0: never
	after bool
	n     int
	dead  bool
}

func (k *killer) do(f func() error) error {
	if k.dead {
		return errKilled
	}
	k.n++
	if k.n != k.at {
		return f()
	}
	k.dead = true
	if k.after {
		if err := f(); err != nil {
			return err
		}
	}
	return errKilled
}

// mortal is a store that a killer watches.
type mortal struct {
	auth.Secrets
	k *killer
}

func (m mortal) Get(ctx context.Context, profile, origin, name string) (auth.Secret, error) {
	if m.k.dead {
		return "", errKilled
	}
	return m.Secrets.Get(ctx, profile, origin, name)
}

func (m mortal) List(ctx context.Context, profile string) ([]string, error) {
	if m.k.dead {
		return nil, errKilled
	}
	return m.Secrets.List(ctx, profile)
}

func (m mortal) Set(ctx context.Context, profile, origin, name string, v auth.Secret) error {
	return m.k.do(func() error { return m.Secrets.Set(ctx, profile, origin, name, v) })
}

func (m mortal) Delete(ctx context.Context, profile, name string) error {
	return m.k.do(func() error { return m.Secrets.Delete(ctx, profile, name) })
}

// places are three stores, each in a file of its own, and a profile.
type places struct {
	*cmdutil.Deps
	stores map[string]auth.Secrets
}

func newPlaces(t *testing.T, kind string) *places {
	t.Helper()
	d, _ := deps(t)
	p := &places{Deps: d, stores: map[string]auth.Secrets{}}
	dir := t.TempDir()
	for _, k := range config.SecretKeepers() {
		p.stores[k] = &auth.FileSecrets{Path: filepath.Join(dir, k)}
	}
	err := edit(t.Context(), d.Paths, func(e *config.Editor) error {
		return e.Add(config.Profile{Name: "Prod", Values: map[string]string{"url": home, "clientId": "abc", "secretStore": kind}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *places) put(t *testing.T, kind, name string, v auth.Secret) {
	t.Helper()
	if err := p.stores[kind].Set(t.Context(), "Prod", home, name, v); err != nil {
		t.Fatal(err)
	}
}

// options are those of a run that k may end.
func (p *places) options(to string, k *killer) *moveOptions {
	return &moveOptions{
		Edit: func(ctx context.Context, change func(*config.Editor) error) error {
			return k.do(func() error { return edit(ctx, p.Paths, change) })
		},
		Config: p.Config, Note: p.Note, Name: "prod", To: to,
		Secrets: func(r *config.Resolved) (auth.Secrets, error) {
			return cmdutil.FirstSecrets{
				&auth.EnvSecrets{Lookup: func(string) (string, bool) { return "from-the-environment", true }},
				mortal{p.stores[r.SecretStore], k},
			}, nil
		},
	}
}

// kind is where the profile says that its secret is.
func (p *places) kind(t *testing.T) string {
	t.Helper()
	cfg, err := p.Config()
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.Find("Prod")
	if err != nil {
		t.Fatal(err)
	}
	return keeper(got)
}

// held is all that the stores hold.
func (p *places) held(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for kind, s := range p.stores {
		names, err := s.List(t.Context(), "Prod")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			v, err := s.Get(t.Context(), "Prod", home, name)
			if err != nil {
				v = auth.Secret(err.Error())
			}
			out[kind+" "+name] = v.Reveal()
		}
	}
	return out
}

// TestMoveKilledAnywhere: at every instant the profile has its secrets, and
// the same command again finishes.
func TestMoveKilledAnywhere(t *testing.T) {
	want := map[string]string{"age client_secret": "hush", "age password": "hush2"}
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			p := newPlaces(t, config.SecretFile)
			p.put(t, config.SecretFile, auth.ClientSecret, "hush")
			p.put(t, config.SecretFile, auth.Password, "hush2")
			k := &killer{at: at, after: after}
			err := runMove(t.Context(), p.options(config.SecretAge, k))
			if !k.dead {
				if at != 6 || err != nil { // two are written, a setting, two are deleted
					t.Errorf("%d changes, want 5 (%v)", at-1, err)
				}
				break
			}
			t.Run(fmt.Sprintf("Change%dDone%t", at, after), func(t *testing.T) {
				if !errors.Is(err, errKilled) {
					t.Errorf("the killed run says %v", err)
				}
				held, kind := p.held(t), p.kind(t)
				for name, v := range map[string]string{auth.ClientSecret: "hush", auth.Password: "hush2"} {
					if held[kind+" "+name] != v {
						t.Errorf("profile is without its %s in %s: %q", name, kind, held)
					}
				}
				if err := runMove(t.Context(), p.options(config.SecretAge, &killer{})); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, p.held(t)); diff != "" || p.kind(t) != config.SecretAge {
					t.Errorf("after the second run profile uses %s (-want +got):\n%s", p.kind(t), diff)
				}
			})
		}
	}
}

func TestMove(t *testing.T) {
	type where = map[string]string
	tests := []struct {
		name     string
		kind, to string
		before   where
		want     where
		code     int
	}{
		{"Nothing", "file", "age", where{}, where{}, 0},
		{"Overwrites", "keyring", "file", where{"keyring token": "new", "file token": "old"}, where{"file token": "new"}, 0},
		{"AlreadyThere", "age", "age", where{"age token": "x"}, where{"age token": "x"}, 0},
		{"Copies", "age", "age", where{"age token": "x", "file token": "old", "keyring token": "old"}, where{"age token": "x"}, 0},
		{"SettingWasChanged", "age", "age", where{"file token": "x", "file password": "y"}, where{"age token": "x", "age password": "y"}, 0},
		{"FromVariable", "env", "age", where{}, where{}, cmdutil.ExitUsage},
		{"FromCommand", "command", "file", where{}, where{}, cmdutil.ExitUsage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlaces(t, tt.kind)
			for at, v := range tt.before {
				var kind, name string
				if _, err := fmt.Sscan(at, &kind, &name); err != nil {
					t.Fatal(err)
				}
				p.put(t, kind, name, auth.Secret(v))
			}
			err := runMove(t.Context(), p.options(tt.to, &killer{}))
			if cmdutil.ExitCode(err) != tt.code {
				t.Errorf("move = %v, code %d, want %d", err, cmdutil.ExitCode(err), tt.code)
			}
			kind := tt.to
			if tt.code != 0 {
				kind = tt.kind
			}
			if diff := cmp.Diff(tt.want, p.held(t)); diff != "" || p.kind(t) != kind {
				t.Errorf("profile uses %s, want %s; stores (-want +got):\n%s", p.kind(t), kind, diff)
			}
		})
	}
}

// changing is a store whose secret another process replaces after the first look.
type changing struct {
	auth.Secrets
	gets *int
}

func (c changing) Get(ctx context.Context, profile, origin, name string) (auth.Secret, error) {
	if *c.gets++; *c.gets == 2 {
		if err := c.Set(ctx, profile, origin, name, "rotated"); err != nil {
			return "", err
		}
	}
	return c.Secrets.Get(ctx, profile, origin, name)
}

// TestMoveSeesChange: a refresh token that was used meanwhile is not lost.
func TestMoveSeesChange(t *testing.T) {
	p := newPlaces(t, config.SecretFile)
	p.put(t, config.SecretFile, auth.RefreshToken, "first")
	gets := 0
	p.stores[config.SecretFile] = changing{p.stores[config.SecretFile], &gets}
	if err := runMove(t.Context(), p.options(config.SecretAge, &killer{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"age refresh_token": "rotated"}, p.held(t)); diff != "" {
		t.Errorf("stores (-want +got):\n%s", diff)
	}
}

// forgetful stores keep nothing and say nothing.
type forgetful struct{ auth.Secrets }

func (forgetful) Set(context.Context, string, string, string, auth.Secret) error { return nil }

// unusable is a store that says beforehand that it will not do.
type unusable struct{ auth.Secrets }

func (unusable) Check(context.Context) error {
	return &auth.NoKeyringError{Err: errors.New("absent")}
}

func TestMoveToPlaceThatFails(t *testing.T) {
	for name, wrap := range map[string]func(auth.Secrets) auth.Secrets{
		"Forgetful": func(s auth.Secrets) auth.Secrets { return forgetful{s} },
		"Unusable":  func(s auth.Secrets) auth.Secrets { return unusable{s} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlaces(t, config.SecretFile)
			p.put(t, config.SecretFile, auth.ClientSecret, "hush")
			p.stores[config.SecretKeyring] = wrap(p.stores[config.SecretKeyring])
			o := p.options(config.SecretKeyring, &killer{})
			o.Secrets = func(r *config.Resolved) (auth.Secrets, error) { return p.stores[r.SecretStore], nil }
			if err := runMove(t.Context(), o); cmdutil.ExitCode(err) != cmdutil.ExitDenied {
				t.Errorf("move = %v, code %d, want 4", err, cmdutil.ExitCode(err))
			}
			if diff := cmp.Diff(map[string]string{"file client_secret": "hush"}, p.held(t)); diff != "" || p.kind(t) != config.SecretFile {
				t.Errorf("profile uses %s; stores (-want +got):\n%s", p.kind(t), diff)
			}
		})
	}
}

// TestMoveOfAnotherAddress: a secret is not bound anew by moving it.
func TestMoveOfAnotherAddress(t *testing.T) {
	p := newPlaces(t, config.SecretFile)
	if err := p.stores[config.SecretFile].Set(t.Context(), "Prod", "https://old.example.com", auth.ClientSecret, "hush"); err != nil {
		t.Fatal(err)
	}
	if err := runMove(t.Context(), p.options(config.SecretAge, &killer{})); !errors.Is(err, auth.ErrOriginMismatch) {
		t.Errorf("move = %v, want ErrOriginMismatch", err)
	}
	if p.kind(t) != config.SecretFile {
		t.Error("the setting was changed")
	}
}

func TestMoveFlags(t *testing.T) {
	var got *moveOptions
	keep := func(_ context.Context, o *moveOptions) error { got = o; return nil }
	d, _ := deps(t)
	if err := parse(t, d, newMoveCmd(d, keep), "Prod", "--to", "keyring"); err != nil || got.Name != "Prod" || got.To != "keyring" {
		t.Errorf("options %+v, %v", got, err)
	}
	for _, bad := range [][]string{{"Prod"}, {"Prod", "--to", "env"}, {"Prod", "--to", "magic"}, {"--to", "age"}, {"a", "b", "--to", "age"}} {
		d, _ := deps(t)
		got = nil
		if err := parse(t, d, newMoveCmd(d, keep), bad...); cmdutil.ExitCode(err) != cmdutil.ExitUsage || got != nil {
			t.Errorf("profile move-secret %q = %v, want a usage error", bad, err)
		}
	}
	o := newPlaces(t, config.SecretFile).options(config.SecretAge, &killer{})
	o.Name = config.LocalProfile
	if err := runMove(t.Context(), o); cmdutil.ExitCode(err) != cmdutil.ExitUsage {
		t.Errorf("profile local = %v, want a usage error", err)
	}
}

// TestForgetEverywhere: with the profile's own place also the copy in the open.
func TestForgetEverywhere(t *testing.T) {
	p := newPlaces(t, config.SecretKeyring)
	for _, kind := range config.SecretKeepers() {
		p.put(t, kind, auth.ClientSecret, "hush")
	}
	open := func(r *config.Resolved) (auth.Secrets, error) { return p.stores[r.SecretStore], nil }
	if err := forget(t.Context(), "Prod", "", config.SecretKeyring, open, p.TokenCache); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"age client_secret": "hush"}, p.held(t)); diff != "" {
		t.Errorf("stores (-want +got):\n%s", diff)
	}
}
