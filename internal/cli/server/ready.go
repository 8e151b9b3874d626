package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
)

// ready is what a running server tells in its ready file.
type ready struct {
	URL          string `json:"url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	ControlKey   string `json:"control_key"`
	// Limits is the domain type whose rate limits the server keeps, empty when
	// it keeps none.
	Limits string `json:"limits,omitempty"`
}

func readyFlag(fs *pflag.FlagSet, file *string) {
	fs.StringVar(file, "ready-file", "", "`FILE` with the server's address and credentials (default: server.json in the state folder)")
}

// readyPath is the file named, or the one in the state folder.
func readyPath(d *cmdutil.Deps, file string) (string, error) {
	if file != "" {
		return file, nil
	}
	return d.Paths.State("server.json")
}

// findReady finds the running server: by the file named, by the environment
// that idctl server env made, or by the file in the state folder. The name
// says where it was found.
func findReady(d *cmdutil.Deps, file string) (r *ready, name string, err error) {
	if url, key := value(d, "IDCTL_URL"), value(d, "IDCTL_CONTROL_KEY"); file == "" && url != "" && key != "" {
		return &ready{
			URL: url, ControlKey: key, ClientID: value(d, "IDCTL_CLIENT_ID"), ClientSecret: value(d, "IDCTL_CLIENT_SECRET"),
		}, "IDCTL_URL", nil
	}
	path, err := readyPath(d, file)
	if err != nil {
		return nil, "", err
	}
	r, err = loadReady(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", &notRunningError{path: path}
	}
	return r, path, err
}

func value(d *cmdutil.Deps, name string) string {
	v, _ := d.Env(name)
	return v
}

func loadReady(path string) (*ready, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ready file: %w", err)
	}
	var r ready
	// The decoder's text is left out, it may quote a secret.
	if json.NewDecoder(bytes.NewReader(data)).Decode(&r) != nil || r.URL == "" || r.ControlKey == "" {
		return nil, fmt.Errorf("ready file %s is damaged; start the server again", path)
	}
	return &r, nil
}

// notRunningError says that there is no server to speak to.
type notRunningError struct {
	path string
	err  error
}

func (e *notRunningError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("the server of %s does not answer: %v", e.path, e.err)
	}
	return "no server is running: there is no " + e.path
}

func (e *notRunningError) Unwrap() error { return e.err }

// Hint implements cmdutil.Hinter.
func (e *notRunningError) Hint() string {
	return "idctl server starts one; --ready-file names the file of another"
}

// ExitCode implements cmdutil.ExitCoder.
func (e *notRunningError) ExitCode() int { return cmdutil.ExitBusy }

// announcement is the ready file of this server while it runs.
type announcement struct {
	path string
	data []byte
}

// announce writes the ready file. One that a running server left is not taken
// from it; that of a server that was killed is.
func announce(ctx context.Context, d *cmdutil.Deps, file string, r *ready) (*announcement, error) {
	path, err := readyPath(d, file)
	if errors.Is(err, config.ErrNoHome) {
		return nil, nil //nolint:nilnil // no home and no file named: nothing to write
	}
	if err != nil {
		return nil, err
	}
	if err := vacant(ctx, path); err != nil {
		return nil, err
	}
	data, err := json.Marshal(r) //nolint:gosec // the file is for its owner, who needs the secret
	if err != nil {
		return nil, fmt.Errorf("ready file: %w", err)
	}
	if file == "" {
		if err := makeParent(path); err != nil {
			return nil, fmt.Errorf("ready file: %w", err)
		}
	}
	a := &announcement{path: path, data: append(data, '\n')}
	if err := atomicfile.Write(path, a.data); err != nil {
		return nil, fmt.Errorf("ready file: %w", err)
	}
	return a, nil
}

// vacant says whether a ready file may be written, before a server starts.
func vacant(ctx context.Context, path string) error {
	other, err := loadReady(path)
	if err != nil {
		return nil // absent or of no use: it may be replaced
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := newControl(other, path).alive(ctx); err != nil {
		return nil // nobody is there any more
	}
	return &cmdutil.BusyError{Err: &takenError{url: other.URL, path: path}}
}

// takenError is a ready file in use.
type takenError struct{ url, path string }

func (e *takenError) Error() string {
	return fmt.Sprintf("the server at %s uses the ready file %s", e.url, e.path)
}

// Hint implements cmdutil.Hinter.
func (e *takenError) Hint() string { return "give this server another --ready-file" }

// withdraw removes the file, unless another server has written it since.
func (a *announcement) withdraw() error {
	if a == nil {
		return nil
	}
	now, err := os.ReadFile(a.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(now, a.data) {
		return nil
	}
	if err == nil {
		err = os.Remove(a.path)
	}
	if err != nil {
		return fmt.Errorf("remove ready file: %w", err)
	}
	return nil
}
