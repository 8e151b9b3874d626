package apps

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// Templates of apps that the vendor's own requests name.
const (
	webTemplate     = "CustomWebAppTemplateId"
	browserTemplate = "CustomBrowserMobileTemplateId"
)

// createOptions are what apps create needs.
type createOptions struct {
	directory.CreateOptions
	attributes attributes
	hand       *acting.Handout
	Name       string
	Type       string
	Template   string
	ClientID   string
	Active     bool
	NoSecret   bool
	DryRun     bool
}

func newCreateCmd(d *cmdutil.Deps, run func(context.Context, *createOptions) error) *cobra.Command {
	k := directory.Apps()
	o := &createOptions{
		CreateOptions: directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}, hand: newHandout(),
	}
	cmd := &cobra.Command{
		Use: "create [<name>]", Aliases: []string{"add", "new"}, Short: "Create an app",
		Long: "Create an app, from flags, from a JSON or YAML document, or from both, flags being the stronger.\n\n" +
			"--type confidential is an OAuth client with a secret, public one without; resource is a server that\n" +
			"tokens are for, with --audience and --scope; saml is a SAML service provider, whose further settings\n" +
			"come with --set; managed is an app with accounts, of the --template that knows its connector.\n\n" +
			"The secret of a confidential client is handed out once, as that of apps regenerate-secret: to the\n" +
			"terminal, with --out to a private file, or encrypted with --recipient. --no-secret hands out none.",
		Example: "  idctl apps create Payroll --type confidential --grant client_credentials --out payroll.secret\n" +
			"  idctl apps create Portal --type public --grant authorization_code --redirect https://portal.example.com/callback\n" +
			"  idctl apps create Ledger --type resource --audience https://ledger.example.com --scope '/read=Read the ledger'",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return cmdutil.Usagef("%s takes one name, got %q too; put a name with blanks in quotes", cmd.CommandPath(), args[1])
			case len(args) == 0 && o.From == "":
				return cmdutil.Usagef("%s needs <name> or --from", cmd.CommandPath()).WithHint("see %s --help", cmd.CommandPath())
			case len(args) == 1 && strings.TrimSpace(args[0]) == "":
				return cmdutil.Usagef("the name of an app cannot be empty")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Name = args[0]
			}
			var err error
			if o.Changes, err = o.changes(cmd.Flags().Changed("active")); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.Type, "type", "", "what the app is, a `type`: "+strings.Join(Types(), ", "))
	fs.StringVar(&o.Template, "template", "", "`id` of the template it is made of; by default that of its type")
	fs.StringVar(&o.ClientID, "client-id", "", "client `id` of its own; by default the service makes one")
	o.attributes.addFlags(fs)
	fs.BoolVar(&o.Active, "active", true, "let it be used at once")
	fs.BoolVar(&o.NoSecret, "no-secret", false, "hand out no client secret")
	o.hand.AddFlags(fs)
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "print what would be sent, and send nothing")
	o.AddFlags(fs)
	// Other commands have a --type of their own; the flag is there, so this
	// cannot fail.
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(Types(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// changes turns name, type and flags into attributes.
func (o *createOptions) changes(active bool) ([]directory.Change, error) {
	var out []directory.Change
	set := func(path string, value any) {
		out = append(out, directory.Change{Op: directory.OpSet, Path: path, Value: value})
	}
	template := webTemplate
	switch o.Type {
	case "":
		template = ""
	case confidential, public:
		set("isOAuthClient", true)
		set("clientType", o.Type)
		if o.Type == public {
			template = browserTemplate
		}
	case resource:
		set("isOAuthResource", true)
	case samlApp:
		set("isSamlServiceProvider", true)
		set("loginMechanism", "SAML")
		set("isLoginTarget", true)
	case managed:
		if template = ""; o.Template == "" && o.From == "" {
			return nil, cmdutil.Usagef("--type managed needs --template: the template knows the connector").
				WithHint("idctl resources list AppTemplate lists templates")
		}
	default:
		return nil, cmdutil.Usagef("--type: there is no type %q", o.Type).WithHint("types are %s", strings.Join(Types(), ", "))
	}
	if o.Template != "" {
		template = o.Template
	}
	if template != "" {
		set("basedOnTemplate", map[string]any{"value": template})
	}
	if o.Name != "" {
		set("displayName", o.Name)
	}
	if o.ClientID != "" {
		set("name", o.ClientID)
	}
	if active || o.From == "" {
		set("active", o.Active)
	}
	more, err := o.attributes.changes(o.Deps)
	return append(out, more...), err
}

// runCreate creates an app and hands its secret out.
func runCreate(ctx context.Context, o *createOptions) (err error) {
	// The place for the secret is open before anything is sent.
	var outlet acting.Outlet
	defer func() {
		if outlet != nil {
			err = errors.Join(err, outlet.Close())
		}
	}()
	o.Complete = func(_ context.Context, doc scim.Document) error {
		client, _ := doc.Bool("isOAuthClient")
		kind := doc.String("clientType")
		// What is missing is told before anything is sent.
		switch res, _ := doc.Bool("isOAuthResource"); {
		case doc.String("displayName") == "":
			return cmdutil.Usagef("create needs <name>")
		case doc.String("basedOnTemplate.value") == "":
			return cmdutil.Usagef("create needs --type or --template").WithHint("types are %s", strings.Join(Types(), ", "))
		case res && doc.String("audience") == "" && o.Type == resource:
			return cmdutil.Usagef("--type resource needs --audience: what tokens for it are for")
		}
		grants := doc.Strings("allowedGrants")
		for _, g := range []string{"authorization_code", "implicit"} {
			if slices.Contains(grants, g) && len(doc.Strings("redirectUris")) == 0 {
				return cmdutil.Usagef("--grant %s needs --redirect: where a sign-in leads back to", g)
			}
		}
		if !client || kind == public || o.NoSecret || o.DryRun {
			return nil
		}
		err := o.hand.Check(o.Deps)
		if err == nil {
			outlet, err = o.hand.Open(o.Deps, false)
		}
		return err
	}
	var made transport.Secret
	key := ""
	o.Kind.Open = func(p provider.Provider, _ string) (provider.Resources, error) {
		a, err := provider.AccessOf(p)
		if err != nil {
			return nil, err
		}
		return &maker{Resources: a.Apps(), dry: o.DryRun, made: func(ctx context.Context, doc scim.Document) {
			key = doc.String("displayName")
			if made = transport.Secret(doc.String("clientSecret")); made == "" && outlet != nil {
				// A service that does not tell it in its answer may when asked.
				if app, err := a.Apps().Get(ctx, doc.ID(), scim.ListOptions{Attributes: []string{"clientSecret"}}); err == nil {
					made = transport.Secret(app.String("clientSecret"))
				}
			}
		}}, nil
	}
	if o.DryRun {
		return o.dryRun(ctx)
	}
	o.After = func(context.Context, scim.Document) error {
		if outlet == nil {
			return nil
		}
		if err := handOut(o.Deps, outlet, key, made); err != nil {
			return fmt.Errorf("app %q was made, and its client secret was not handed out; idctl apps regenerate-secret makes a new one: %w", key, err)
		}
		return nil
	}
	return directory.RunCreate(ctx, &o.CreateOptions)
}

// handOut delivers the secret of a new client.
func handOut(d *cmdutil.Deps, outlet acting.Outlet, name string, secret transport.Secret) error {
	if secret == "" {
		return fmt.Errorf("%w: the service told none", scim.ErrBadResponse)
	}
	if outlet.TakesStdout() {
		if err := directory.Note(d, "client secret of %s, shown this once:", name); err != nil {
			return err
		}
	}
	if err := outlet.Deliver(&acts.Target{Key: name}, acting.Secrets{secret}); err != nil {
		return err
	}
	return outlet.Close()
}

func (o *createOptions) dryRun(ctx context.Context) error {
	_, err := directory.Create(ctx, &o.CreateOptions)
	var plan *planned
	if !errors.As(err, &plan) {
		return err
	}
	return o.PrintDocument(o.Print, plan.doc)
}

// maker creates apps and tells the secret of one to nobody but made.
type maker struct {
	provider.Resources
	dry  bool
	made func(context.Context, scim.Document)
}

// planned is what would be sent.
type planned struct{ doc scim.Document }

func (p *planned) Error() string { return "nothing is sent in a dry run" }

// Create implements provider.Writer.
func (m *maker) Create(ctx context.Context, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	if m.dry {
		return nil, &planned{doc}
	}
	if opts.RetryToken == "" {
		opts.RetryToken = rand.Text()
	}
	out, err := m.Resources.Create(ctx, doc, opts)
	if out != nil {
		m.made(ctx, out)
		delete(out, "clientSecret")
		delete(out, "hashedClientSecret")
	}
	return out, err
}

// compactJSON is a policy on one line, as the service keeps it.
func compactJSON(data []byte) (string, error) {
	var buf bytes.Buffer
	if err := json.Compact(&buf, data); err != nil {
		return "", fmt.Errorf("no JSON: %w", err)
	}
	return buf.String(), nil
}
