package users

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

const capabilitiesURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:capabilities:User"

// capabilityNames are what a user may be allowed.
func capabilityNames() []string {
	return []string{
		"canUseApiKeys", "canUseAuthTokens", "canUseConsole", "canUseConsolePassword", "canUseCustomerSecretKeys",
		"canUseDbCredentials", "canUseOAuth2ClientCredentials", "canUseSmtpCredentials",
	}
}

func capabilityPaths() []string {
	out := capabilityNames()
	for i, n := range out {
		out[i] = capabilitiesURN + ":" + n
	}
	return out
}

// capabilityRow is one capability of a user.
type capabilityRow struct {
	User       string `json:"user"`
	Capability string `json:"capability"`
	Allowed    *bool  `json:"allowed,omitempty"`
}

// newCapabilitiesCmd makes the command that shows and, with --set, changes
// which credentials users may have.
func newCapabilitiesCmd(d *cmdutil.Deps) *cobra.Command {
	var set []string
	rows := output.New(d.Output, output.Spec[capabilityRow]{
		Columns: []output.Column[capabilityRow]{
			{Name: "User", Path: "user", Get: func(r *capabilityRow) string { return r.User }},
			{Name: "Capability", Path: "capability", Get: func(r *capabilityRow) string { return r.Capability }},
			{Name: "Allowed", Path: "allowed", Get: func(r *capabilityRow) string {
				if r.Allowed == nil {
					return ""
				}
				return output.YesNo(*r.Allowed)
			}},
		},
		Key: func(r *capabilityRow) string { return r.Capability },
	})
	v := capabilitiesVerb(&set)
	cmd := acting.New(d, v, func(ctx context.Context, o *acting.Options) error {
		if len(set) == 0 {
			return showCapabilities(ctx, o, rows)
		}
		return acting.Run(ctx, o)
	})
	return cmd
}

// parseCapabilities reads --set.
func parseCapabilities(set []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, text := range set {
		name, value, ok := strings.Cut(text, "=")
		on, err := strconv.ParseBool(value)
		if !ok || err != nil {
			return nil, cmdutil.Usagef("--set %q: write NAME=true or NAME=false", text)
		}
		i := slices.IndexFunc(capabilityNames(), func(n string) bool { return strings.EqualFold(n, name) })
		if i < 0 {
			return nil, cmdutil.Usagef("--set: there is no capability %q", name).WithHint("there are %s", strings.Join(capabilityNames(), ", "))
		}
		name = capabilityNames()[i]
		if was, twice := out[name]; twice && was != on {
			return nil, cmdutil.Usagef("--set: %s is both true and false", name)
		}
		out[name] = on
	}
	return out, nil
}

func capabilitiesVerb(set *[]string) acting.Verb {
	s := &self{}
	return acting.Verb{
		Kind: directory.Users(), Name: "capabilities", Say: "change the capabilities of", Told: "changed the capabilities of",
		Short: "Show or change which credentials users may have",
		Long: "Show which credentials users may have, or change it with --set. Who may not have a kind any more\n" +
			"keeps what was made before: users tokens revoke takes it away.\n\n" +
			"The capabilities are " + strings.Join(capabilityNames(), ",\n") + ".",
		Examples:     []string{"ada@example.com", "ada@example.com --set canUseApiKeys=false", "- --set canUseConsole=false < contractors.txt"},
		WhereExample: "userType=Contractor",
		AddFlags: func(fs *pflag.FlagSet) {
			fs.StringArrayVar(set, "set", nil, "allow or forbid one, `NAME=true|false`; may be given several times")
			s.addFlags(fs)
		},
		Variant: func() string { return strings.Join(*set, ",") + " " + s.variant() },
		Check: func(*acting.Options) error {
			_, err := parseCapabilities(*set)
			return err
		},
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			f, err := provider.FactorsOf(p)
			if err != nil {
				return acts.Act{}, err
			}
			can, err := parseCapabilities(*set)
			if err != nil {
				return acts.Act{}, err
			}
			return acts.Act{
				Name: "capabilities", Past: "changed", Repeat: journal.Readable, Needs: capabilityPaths(),
				Check: func(t *acts.Target) acts.Verdict {
					for name, on := range can {
						if has, told := t.Doc.Bool(capabilitiesURN + ":" + name); !told || has != on {
							return acts.Verdict{}
						}
					}
					return acts.Verdict{Already: "has these capabilities already"}
				},
				Do: func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
					return nil, f.SetCapabilities(ctx, t.ID(), can, s.options(token))
				},
			}, nil
		},
	}
}

func showCapabilities(ctx context.Context, o *acting.Options, p output.Printer[capabilityRow]) error {
	switch {
	case o.Where != "" || o.Explain || o.DryRun || o.Resume || o.Restart:
		return cmdutil.Usagef("--where, --dry-run and what goes with a change need --set")
	case len(o.Keys) == 0:
		return cmdutil.Usagef("users capabilities needs <user>")
	}
	if err := p.Check(); err != nil {
		return err
	}
	conn, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	if _, err := provider.FactorsOf(conn); err != nil {
		return err
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	_, err = p.Stream(o.Deps.IO, func(yield func(capabilityRow, error) bool) {
		for batch, err := range directory.Batches(cmdutil.Keys(ctx, o.Keys, o.Deps.IO.In)) {
			var docs []scim.Document
			if err == nil {
				docs, err = o.FindEach(ctx, r, batch, scim.ListOptions{Attributes: append(capabilityPaths(), "userName")})
			}
			if err != nil {
				yield(capabilityRow{}, fmt.Errorf("capabilities of %w", err))
				return
			}
			for _, doc := range docs {
				for _, name := range capabilityNames() {
					row := capabilityRow{User: doc.String("userName"), Capability: name}
					if on, told := doc.Bool(capabilitiesURN + ":" + name); told {
						row.Allowed = &on
					}
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	})
	return err
}
