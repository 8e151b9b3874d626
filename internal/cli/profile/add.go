package profile

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/prompt"
)

type addOptions struct {
	Paths      config.Paths
	Prompt     prompt.Prompter
	Secrets    func(*config.Resolved) (auth.Secrets, error)
	ReadSecret func(context.Context, string) (auth.Secret, error)
	Note       func(string, ...any) error
	Name       string
	Values     map[string]string
	SecretFile string
	Use        bool
}

func newAddCmd(d *cmdutil.Deps, run func(context.Context, *addOptions) error) *cobra.Command {
	o := &addOptions{Paths: d.Paths, Prompt: d.Prompt, Secrets: d.Secrets, ReadSecret: d.ReadSecret, Note: d.Note}
	values := map[string]*string{}
	cmd := &cobra.Command{
		Use: "add <name>", Short: "Add a profile", Args: cmdutil.One("name"),
		Long: "Add a profile. The secret is read from a file or from standard input, never from\n" +
			"an argument; idctl login asks for it and tests it. --secret-store says where it is\n" +
			"kept: in a file that you alone can read (file, the default), in the system's keyring,\n" +
			"in an encrypted file (age), in a variable (env), or by a command of your own. The\n" +
			"first profile becomes the current one.",
		Example: "  idctl profile add prod --url https://idcs-x.identity.oraclecloud.com --client-id abc --secret-file -\n" +
			"  idctl profile add desk --url https://idcs-x.identity.oraclecloud.com --client-id abc --secret-store keyring\n" +
			"  idctl profile add test --url https://test.example.com --client-id abc --secret-store env --secret-env TEST_SECRET",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if err := config.CheckName(o.Name); err != nil {
				return &cmdutil.UsageError{Err: err}
			}
			given := d.Flags.Given()
			o.Values = map[string]string{}
			for _, s := range config.Settings() {
				v := ""
				if s.Flag != "" {
					v = given[s.Flag]
				} else if p := values[s.Key]; p != nil {
					v = *p
				}
				if err := s.Check(v); err != nil {
					return cmdutil.Usagef("--%s: %w", flagName(s.Key), err)
				}
				if v != "" {
					o.Values[s.Key] = v
				}
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	for _, s := range config.Settings() {
		if s.Flag == "" { // the others are flags of every command
			values[s.Key] = fs.String(flagName(s.Key), "", s.Help)
		}
	}
	fs.StringVar(&o.SecretFile, "secret-file", "", "`file` with the secret, - for standard input")
	fs.BoolVar(&o.Use, "use", false, "make it the current profile")
	return cmd
}

func runAdd(ctx context.Context, o *addOptions) error {
	p := config.Profile{Name: o.Name, Values: o.Values}
	for _, key := range []string{"url", "clientId"} {
		if p.Values[key] != "" || key == "clientId" && (p.Values["auth"] == config.AuthToken || p.Values["auth"] == config.AuthBasic) {
			continue
		}
		s, _ := config.FindSetting(key)
		v, err := o.Prompt.Input(ctx, prompt.Question{
			Text: map[string]string{"url": "Address of the service", "clientId": "Client id"}[key],
			Flag: "--" + flagName(key),
			Check: func(v string) error {
				if v == "" {
					return fmt.Errorf("%s is needed", key)
				}
				return s.Check(v)
			},
		})
		if err != nil {
			return err
		}
		p.Values[key] = v
	}
	var secret auth.Secret
	var store auth.Secrets
	way := p.Values["auth"]
	if o.SecretFile != "" { // first: a secret that is not there leaves no profile behind
		kind := cmp.Or(p.Values["secretStore"], config.SecretFile)
		if !config.KeepsSecrets(kind) {
			return cmdutil.Usagef("--secret-file is for --secret-store %s, not for %s", strings.Join(config.SecretKeepers(), ", "), kind)
		}
		var err error
		if secret, err = o.ReadSecret(ctx, o.SecretFile); err != nil {
			return err
		}
		store, err = o.Secrets(&config.Resolved{Name: p.Name, URL: p.Values["url"], Auth: way, SecretStore: kind})
		if err == nil {
			err = check(ctx, store)
		}
		if err != nil {
			return fmt.Errorf("profile %s is not added: %w", p.Name, err)
		}
	}
	if err := edit(ctx, o.Paths, func(e *config.Editor) error { return e.Add(p) }); err != nil {
		return err
	}
	if o.Use {
		if err := edit(ctx, o.Paths, func(e *config.Editor) error { return e.Use(p.Name) }); err != nil {
			return err
		}
	}
	if secret != "" {
		if err := store.Set(ctx, p.Name, p.Values["url"], cmdutil.PrimarySecret(way), secret); err != nil {
			return &cmdutil.PartialError{
				What: "steps", Done: 1, Total: 2, Err: fmt.Errorf("profile %s is added, its secret is not stored: %w", p.Name, err),
				Help: "idctl login --profile " + p.Name,
			}
		}
	}
	return o.Note("profile %s added", p.Name)
}
