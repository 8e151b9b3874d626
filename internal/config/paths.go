// Package config keeps profiles: which service, which client, how to log in.
// They lie in one YAML file; secrets do not, they are package auth's.
//
// Reading goes through viper, which is used nowhere else. Writing is done
// here, on the YAML tree, because viper would lose comments, order and case,
// and would truncate the file in place. The environment is handed in by the
// caller as a function.
package config

import (
	"errors"
	"fmt"
	"path/filepath"
)

// LookupEnv answers an environment variable, as os.LookupEnv does.
type LookupEnv func(name string) (value string, set bool)

// get answers a variable; an empty one counts as unset.
func (e LookupEnv) get(name string) string {
	if e == nil {
		return ""
	}
	v, _ := e(name)
	return v
}

// Paths are the places of the tool's files. A place that could not be found is
// empty until it is asked for: who needs no file needs no home.
type Paths struct {
	config, state, cache string
	missing              error
}

// ErrNoHome means that a file is needed and no folder for it is known.
var ErrNoHome = errors.New("no home folder")

// FindPaths finds the folders for an operating system (runtime.GOOS).
// IDCTL_HOME overrides everything. The table is in docs/.
func FindPaths(goos string, env LookupEnv) Paths {
	if home := env.get("IDCTL_HOME"); home != "" {
		return Paths{config: home, state: filepath.Join(home, "state"), cache: filepath.Join(home, "cache")}
	}
	var p Paths
	join := func(base string, more ...string) string {
		if base == "" {
			return ""
		}
		return filepath.Join(append([]string{base}, more...)...)
	}
	switch goos {
	case "windows":
		p.config = join(env.get("AppData"), "idctl")
		p.state = join(env.get("LocalAppData"), "idctl", "state")
		p.cache = join(env.get("LocalAppData"), "idctl", "cache")
		p.missing = fmt.Errorf("%w: neither IDCTL_HOME nor AppData and LocalAppData are set", ErrNoHome)
	case "darwin":
		home := env.get("HOME")
		p.config = join(home, "Library", "Application Support", "idctl")
		p.state = join(home, "Library", "Application Support", "idctl", "state")
		p.cache = join(home, "Library", "Caches", "idctl")
		p.missing = fmt.Errorf("%w: neither IDCTL_HOME nor HOME is set", ErrNoHome)
	default:
		home := env.get("HOME")
		// The XDG specification says that a relative path is to be ignored.
		xdg := func(name string, fallback ...string) string {
			if v := env.get(name); filepath.IsAbs(v) {
				return filepath.Join(v, "idctl")
			}
			return join(join(home, fallback...), "idctl")
		}
		p.config = xdg("XDG_CONFIG_HOME", ".config")
		p.state = xdg("XDG_STATE_HOME", ".local", "state")
		p.cache = xdg("XDG_CACHE_HOME", ".cache")
		p.missing = fmt.Errorf("%w: neither IDCTL_HOME nor HOME is set", ErrNoHome)
	}
	return p
}

func (p Paths) need(dir, what string, more []string) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("find the %s folder: %w", what, p.missing)
	}
	return filepath.Join(append([]string{dir}, more...)...), nil
}

// ConfigFile is the file with the profiles.
func (p Paths) ConfigFile() (string, error) {
	return p.need(p.config, "configuration", []string{"config.yaml"})
}

// State is a path in the folder for what must survive: journals, the database
// of the profile local, stored secrets.
func (p Paths) State(elem ...string) (string, error) { return p.need(p.state, "state", elem) }

// Cache is a path in the folder for what can be made again: access tokens.
func (p Paths) Cache(elem ...string) (string, error) { return p.need(p.cache, "cache", elem) }
