package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// envNames are the variables that hold secrets.
var envNames = map[string]string{ //nolint:gosec // names of variables, no values
	ClientSecret: "IDCTL_CLIENT_SECRET",
	AccessToken:  "IDCTL_TOKEN",
	Password:     "IDCTL_PASSWORD",
}

// EnvSecrets reads secrets from the environment: IDCTL_CLIENT_SECRET,
// IDCTL_TOKEN and IDCTL_PASSWORD, the same for every profile.
type EnvSecrets struct {
	// Lookup is os.LookupEnv. Needed.
	Lookup func(string) (string, bool)
	// Origin is the service that the environment is for: the URL it was set
	// up with. Empty gives the secrets out for any origin.
	Origin string
}

var (
	_ Secrets   = (*EnvSecrets)(nil)
	_ Describer = (*EnvSecrets)(nil)
)

// Describe says where the secrets are.
func (*EnvSecrets) Describe() string { return "variables of the environment" }

// Get returns a secret. An empty variable counts as unset.
func (e *EnvSecrets) Get(_ context.Context, profile, origin, name string) (Secret, error) {
	variable, ok := envNames[name]
	if !ok {
		return "", notFound(profile, name, "the environment")
	}
	value, ok := e.Lookup(variable)
	if !ok || value == "" {
		return "", notFound(profile, name, "the environment ("+variable+")")
	}
	if e.Origin != "" {
		if err := checkOrigin(profile, name, e.Origin, origin); err != nil {
			return "", err
		}
	}
	return Secret(value), nil
}

// Set answers ErrReadOnly.
func (*EnvSecrets) Set(_ context.Context, profile, _, name string, _ Secret) error {
	return fmt.Errorf("set %s of profile %q: the environment: %w", name, profile, ErrReadOnly)
}

// Delete answers ErrReadOnly.
func (*EnvSecrets) Delete(_ context.Context, profile, name string) error {
	return fmt.Errorf("delete %s of profile %q: the environment: %w", name, profile, ErrReadOnly)
}

// List returns the names of the variables that are set.
func (e *EnvSecrets) List(context.Context, string) ([]string, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(envNames)) {
		if v, ok := e.Lookup(envNames[name]); ok && v != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// CommandSecrets runs a program for each secret, such as a password manager's,
// and takes its output. There is no shell in between.
type CommandSecrets struct {
	// Argv is the program with its arguments, by the name of the secret.
	Argv map[string][]string
	// Origin is the service that the profile is for. Needed.
	Origin string
	// Timeout bounds the program. Default 60 s: it may ask its user.
	Timeout time.Duration
	// Stderr gets what the program says to its user. Nil: nowhere.
	Stderr io.Writer
}

var (
	_ Secrets   = (*CommandSecrets)(nil)
	_ Describer = (*CommandSecrets)(nil)
)

// Describe says where the secrets are. It names no program: its arguments may
// be private, and some need none.
func (*CommandSecrets) Describe() string { return "output of the profile's command" }

// maxCommandOutput bounds what is read of a program.
const maxCommandOutput = 64 << 10

// Get runs the program. Its output, without line ends after it, is the secret;
// neither output nor arguments appear in an error.
func (c *CommandSecrets) Get(ctx context.Context, profile, origin, name string) (Secret, error) {
	argv := c.Argv[name]
	if len(argv) == 0 || argv[0] == "" {
		return "", notFound(profile, name, "the profile's commands")
	}
	// Before the program runs: it may ask for a fingerprint or a password.
	if err := checkOrigin(profile, name, c.Origin, origin); err != nil {
		return "", err
	}
	limit := c.Timeout
	if limit <= 0 {
		limit = time.Minute
	}
	runCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(runCtx, argv[0], argv[1:]...) //nolint:gosec // running the program that the user names is the purpose
	out := &limitedBuffer{limit: maxCommandOutput}
	cmd.Stdout = out
	cmd.Stderr = c.Stderr
	// A child that keeps the pipe open does not keep us.
	cmd.WaitDelay = time.Second
	fail := func(why string) error {
		return fmt.Errorf("%s of profile %q: %w: %s %s", name, profile, ErrCommand, argv[0], why)
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("%s of profile %q from %s: %w", name, profile, argv[0], ctx.Err())
		case out.overflow:
			return "", fail("gives more than 64 KB")
		case runCtx.Err() != nil:
			return "", fail("took longer than " + limit.String())
		case errors.As(err, &exit):
			return "", fail("ended with " + exit.String())
		case errors.Is(err, exec.ErrNotFound):
			return "", fail("is not installed, or not in the PATH")
		}
		return "", fmt.Errorf("%s of profile %q: %w: %w", name, profile, ErrCommand, err)
	}
	value := strings.TrimRight(out.buf.String(), "\r\n")
	if value == "" {
		return "", fail("gave no output")
	}
	return Secret(value), nil
}

// Set answers ErrReadOnly.
func (*CommandSecrets) Set(_ context.Context, profile, _, name string, _ Secret) error {
	return fmt.Errorf("set %s of profile %q: a command's output: %w", name, profile, ErrReadOnly)
}

// Delete answers ErrReadOnly.
func (*CommandSecrets) Delete(_ context.Context, profile, name string) error {
	return fmt.Errorf("delete %s of profile %q: a command's output: %w", name, profile, ErrReadOnly)
}

// List returns the names that have a command.
func (c *CommandSecrets) List(context.Context, string) ([]string, error) {
	return slices.Sorted(maps.Keys(c.Argv)), nil
}

type limitedBuffer struct {
	buf      bytes.Buffer
	limit    int
	overflow bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > b.limit {
		b.overflow = true
		return 0, errors.New("too much output")
	}
	return b.buf.Write(p)
}
