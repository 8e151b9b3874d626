// Package apps holds the commands on applications: OAuth clients, resource
// servers, SAML and managed apps. What they share with those on other
// resources is in package directory, what is about access in package granting.
package apps

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// New makes the command apps.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.Apps()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "apps", Aliases: []string{"app"}, Short: "Manage applications",
		Long: "Manage applications: OAuth clients, resource servers, SAML and managed apps. An app is named by its\n" +
			"name, client id, id or OCID. Client secrets are handed out once and never shown otherwise.",
		Example: "  idctl apps list\n" +
			"  idctl apps create Payroll --type confidential --grant client_credentials\n" +
			"  idctl apps access ada@example.com",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		newCreateCmd(d, runCreate),
		newUpdateCmd(d, directory.RunUpdate),
		directory.NewReplace(d, k, directory.RunReplace),
		acting.New(d, deleteVerb(), acting.Run),
		acting.New(d, statusVerb(true), acting.Run),
		acting.New(d, statusVerb(false), acting.Run),
		acting.New(d, secretVerb(d), acting.Run),
		newAccessCmd(d, runAccess),
	)
	return cmd
}

func isActive(app scim.Document) (active, said bool) { return app.Bool("active") }

// statusVerb activates or deactivates.
func statusVerb(active bool) acting.Verb {
	v := acting.Verb{
		Kind: directory.Apps(), Name: "activate", Short: "Let apps be used again",
		Long: "Let apps be used again. One that is active already stays so.",
	}
	act := acts.Act{Name: "activate", Past: "activated", Repeat: journal.Readable, Needs: []string{"active"}}
	if !active {
		v.Name, v.Short = "deactivate", "Keep apps from being used"
		v.Long = "Keep apps from being used: nobody signs in to them, and their clients get no tokens. Tokens that were\n" +
			"issued live until they end by themselves. Grants and settings stay; apps activate takes it back."
		act.Name, act.Past = "deactivate", "deactivated"
	}
	act.Check = func(t *acts.Target) acts.Verdict {
		if is, said := isActive(t.Doc); said && is == active {
			return acts.Verdict{Already: "is " + act.Past + " already"}
		}
		return acts.Verdict{}
	}
	v.Make = func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
		a, err := provider.AccessOf(p)
		act.Do = func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
			return nil, a.SetAppActive(ctx, t.ID(), active)
		}
		return act, err
	}
	return v
}

func deleteVerb() acting.Verb {
	return acting.Verb{
		Kind: directory.Apps(), Name: "delete", Aliases: []string{"rm"}, Short: "Delete apps",
		Long: "Delete apps, with their roles and grants. It cannot be undone. The service deletes no app that is\n" +
			"active: apps deactivate comes first, and shows whether anybody misses it.",
		Examples: []string{"Payroll"}, Confirm: true, IgnoreMissing: true,
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			a, err := provider.AccessOf(p)
			return acts.Act{
				Name: "delete", Past: "deleted", Repeat: journal.Readable, Gone: true, Needs: []string{"active"},
				Check: func(t *acts.Target) acts.Verdict {
					if is, _ := isActive(t.Doc); is {
						return acts.Verdict{Refused: &cmdutil.RefusedError{
							Reason: "the app is active and cannot be deleted", Help: "idctl apps deactivate first",
						}}
					}
					return acts.Verdict{}
				},
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					return nil, a.Apps().Delete(ctx, t.ID(), scim.WriteOptions{})
				},
			}, err
		},
	}
}

func secretVerb(d *cmdutil.Deps) acting.Verb {
	hand := newHandout()
	return acting.Verb{
		Kind: directory.Apps(), Name: "regenerate-secret", Say: "replace the client secret of", Told: "replaced the client secret of",
		Short: "Replace the client secret of apps",
		Long: "Replace the client secret of apps. The old one is void at once. The new one is handed out once: to the\n" +
			"terminal, to a private file or encrypted.\n\n" +
			"When the answer of the service is lost, the outcome is reported as unknown (exit code 3), and the\n" +
			"secret is not replaced again by itself.",
		Examples: []string{"Payroll", "Payroll --out payroll.secret --yes", "Payroll --recipient age1... --yes"}, Confirm: true,
		AddFlags: hand.AddFlags,
		Check: func(o *acting.Options) error {
			if o.DryRun || o.Explain {
				return nil
			}
			return hand.Check(d)
		},
		Open: func(_ context.Context, _ *acting.Options, many bool) (acting.Outlet, error) {
			return hand.Open(d, many)
		},
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			a, err := provider.AccessOf(p)
			return acts.Act{
				Name: "regenerate-secret", Past: "replaced", Repeat: journal.Once, Needs: []string{"isOAuthClient", "clientType"},
				Check: func(t *acts.Target) acts.Verdict {
					if client, said := t.Doc.Bool("isOAuthClient"); said && !client {
						return acts.Verdict{Refused: &cmdutil.RefusedError{Reason: "the app is no OAuth client and has no secret"}}
					}
					if t.Doc.String("clientType") == "public" {
						return acts.Verdict{Refused: &cmdutil.RefusedError{Reason: "a public client has no secret"}}
					}
					return acts.Verdict{}
				},
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					secret, err := a.RegenerateSecret(ctx, t.ID())
					if err != nil {
						return nil, err
					}
					return acting.Secrets{secret}, nil
				},
			}, err
		},
	}
}

// newHandout hands client secrets out.
func newHandout() *acting.Handout {
	return &acting.Handout{What: "client secret", Columns: []string{"secret"}}
}
