package profile

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

// entry is a profile in a list.
type entry struct {
	Name     string `json:"name"`
	Current  bool   `json:"current"`
	Provider string `json:"provider"`
	URL      string `json:"url,omitempty"`
	ClientID string `json:"clientId,omitempty"`
	Auth     string `json:"auth"`
}

var listSpec = output.Spec[entry]{
	Columns: []output.Column[entry]{
		{Name: "Name", Path: "name", Get: func(e *entry) string { return e.Name }},
		{Name: "Current", Path: "current", Get: func(e *entry) string { return yes(e.Current, "yes") }},
		{Name: "Provider", Path: "provider", Get: func(e *entry) string { return e.Provider }},
		{Name: "URL", Path: "url", Get: func(e *entry) string { return e.URL }},
		{Name: "Client id", Path: "clientId", Get: func(e *entry) string { return e.ClientID }},
		{Name: "Auth", Path: "auth", Wide: true, Get: func(e *entry) string { return e.Auth }},
	},
	Key: func(e *entry) string { return e.Name },
}

type listOptions struct {
	IO     *iostreams.Streams
	Config func() (*config.Config, error)
	Env    config.LookupEnv
	Given  func() map[string]string
	Print  output.Printer[entry]
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions) error) *cobra.Command {
	o := &listOptions{IO: d.IO, Config: d.Config, Env: d.Env, Given: d.Flags.Given, Print: output.New(d.Output, listSpec)}
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the profiles", Args: cmdutil.NoArgs,
		Example:     "  idctl profile list\n  idctl profile list -o name",
		Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runList(_ context.Context, o *listOptions) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	current, _, err := cfg.Choose(o.Given(), o.Env)
	if err != nil {
		current = "" // none chosen, which is no failure of a list
	}
	rows := make([]entry, 0, len(cfg.Profiles)+1)
	for _, p := range cfg.Profiles {
		get := func(key string) string {
			if v := p.Values[key]; v != "" {
				return v
			}
			s, _ := config.FindSetting(key)
			return s.Default
		}
		rows = append(rows, entry{
			Name: p.Name, Provider: get("provider"), URL: get("url"), ClientID: get("clientId"), Auth: get("auth"),
		})
	}
	rows = append(rows, entry{Name: config.LocalProfile, Provider: "idcs", Auth: config.AuthClientCredentials})
	for i := range rows {
		rows[i].Current = strings.EqualFold(rows[i].Name, current)
	}
	return o.Print.List(o.IO, rows)
}

// value is one line of profile show.
type value struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
	Where   string `json:"where"`
}

var showSpec = output.Spec[value]{
	Columns: []output.Column[value]{
		{Name: "Setting", Path: "setting", Get: func(v *value) string { return v.Setting }},
		{Name: "Value", Path: "value", Get: func(v *value) string { return v.Value }},
		{Name: "Origin", Path: "origin", Get: func(v *value) string { return v.Origin }},
		{Name: "Where", Path: "where", Wide: true, Get: func(v *value) string { return v.Where }},
	},
	Key: func(v *value) string { return v.Setting },
}

type showOptions struct {
	IO      *iostreams.Streams
	Config  func() (*config.Config, error)
	Secrets func(*config.Resolved) (auth.Secrets, error)
	Env     config.LookupEnv
	Given   map[string]string
	Print   output.Printer[value]
}

func newShowCmd(d *cmdutil.Deps, run func(context.Context, *showOptions) error) *cobra.Command {
	o := &showOptions{IO: d.IO, Config: d.Config, Secrets: d.Secrets, Env: d.Env, Print: output.New(d.Output, showSpec)}
	return &cobra.Command{
		Use: "show [name]", Short: "Show a profile as it takes effect, and where each value comes from",
		Long: "Show the settings that take effect for a profile, by default the current one, with\n" +
			"flags and environment applied. The secret itself is never shown, only where it is kept.",
		Example: "  idctl profile show\n  idctl profile show prod -o wide",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Given = d.Flags.Given()
			if len(args) == 1 {
				o.Given["profile"] = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return cmdutil.One("name")(cmd, args)
}

func runShow(ctx context.Context, o *showOptions) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	r, err := cfg.Resolve(o.Given, o.Env)
	if err != nil {
		return err
	}
	rows := []value{{Setting: "name", Value: r.Name, Origin: "profile", Where: cfg.File}}
	if r.Local() {
		rows[0].Where = "built in"
	}
	for _, s := range config.Settings() {
		v := r.Values[s.Key]
		if v.Text == "" || r.Local() && s.Key == "secretStore" {
			continue
		}
		rows = append(rows, value{s.Key, v.Text, string(v.Origin), v.Where})
	}
	store, err := o.Secrets(r)
	if err != nil {
		return err
	}
	where, err := cmdutil.SecretPlace(ctx, store, r)
	if err != nil {
		return err
	}
	rows = append(rows, value{"secret", where, "", ""})
	if where, err = o.copyInFile(ctx, r); err != nil {
		return err
	}
	if where != "" {
		rows = append(rows, value{"secret copy", where, "", ""})
	}
	return o.Print.List(o.IO, rows)
}

// copyInFile looks for secrets in the open of a profile that keeps them
// elsewhere: left behind when the setting was changed, or when a move was cut off.
func (o *showOptions) copyInFile(ctx context.Context, r *config.Resolved) (string, error) {
	if r.Local() || r.SecretStore == config.SecretFile {
		return "", nil
	}
	store, err := o.Secrets(&config.Resolved{Name: r.Name, Auth: r.Auth, SecretStore: config.SecretFile})
	if err != nil {
		return "", err
	}
	file, ok := cmdutil.Kept(store).(*auth.FileSecrets)
	if !ok {
		return "", nil // no home, no file
	}
	names, err := file.List(ctx, r.Name)
	if err != nil || len(names) == 0 {
		return "", err
	}
	text := strings.Join(names, ", ") + " in " + file.Describe()
	if config.KeepsSecrets(r.SecretStore) {
		text += "; idctl profile move-secret " + r.Name + " --to " + r.SecretStore + " removes it"
	}
	return text, nil
}
