package profile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/transport"
)

type tokenFunc func(context.Context, *config.Resolved) (transport.TokenSource, error)

// identity is who a token speaks for, as far as the token says.
type identity struct {
	Profile string `json:"profile"`
	URL     string `json:"url,omitempty"`
	// Subject is the user's or the client's name; Type says which.
	Subject string   `json:"subject,omitempty"`
	Type    string   `json:"type,omitempty"`
	Client  string   `json:"client,omitempty"`
	Tenant  string   `json:"tenant,omitempty"`
	Issuer  string   `json:"issuer,omitempty"`
	Scope   string   `json:"scope,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	Expires string   `json:"expires,omitempty"`
}

var whoamiSpec = output.Spec[identity]{
	Columns: []output.Column[identity]{
		{Name: "Subject", Path: "subject", Get: func(i *identity) string { return i.Subject }},
		{Name: "Type", Path: "type", Get: func(i *identity) string { return i.Type }},
		{Name: "Client", Path: "client", Get: func(i *identity) string { return i.Client }},
		{Name: "Profile", Path: "profile", Get: func(i *identity) string { return i.Profile }},
		{Name: "Expires", Path: "expires", Get: func(i *identity) string { return i.Expires }},
		{Name: "URL", Path: "url", Wide: true, Get: func(i *identity) string { return i.URL }},
		{Name: "Tenant", Path: "tenant", Wide: true, Get: func(i *identity) string { return i.Tenant }},
		{Name: "Roles", Path: "roles", Wide: true, Get: func(i *identity) string { return strings.Join(i.Roles, ", ") }},
		{Name: "Scope", Path: "scope", Wide: true, Get: func(i *identity) string { return i.Scope }},
	},
	Key: func(i *identity) string { return i.Subject },
}

type whoamiOptions struct {
	IO      *iostreams.Streams
	Profile func() (*config.Resolved, error)
	Tokens  tokenFunc
	Print   output.Printer[identity]
}

// NewWhoami returns the command whoami.
func NewWhoami(d *cmdutil.Deps) *cobra.Command { return newWhoamiCmd(d, runWhoami) }

func newWhoamiCmd(d *cmdutil.Deps, run func(context.Context, *whoamiOptions) error) *cobra.Command {
	o := &whoamiOptions{IO: d.IO, Profile: d.Profile, Tokens: d.Tokens, Print: output.New(d.Output, whoamiSpec)}
	return &cobra.Command{
		Use: "whoami", Short: "Show who the access token is for", Args: cmdutil.NoArgs,
		Long: "Show whom the access token of the profile speaks for, read from the token itself. A\n" +
			"new token is asked for when there is none.",
		Annotations: cmdutil.Columns(o.Print.FieldNames()),
		Example:     "  idctl whoami\n  idctl whoami --profile local -o json",
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runWhoami(ctx context.Context, o *whoamiOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	r, t, err := getToken(ctx, o.Profile, o.Tokens)
	if err != nil {
		return err
	}
	id := readIdentity(t)
	if r.Auth == config.AuthBasic { // there is no token, but who it is is known
		id = identity{Subject: r.User, Type: "user"}
	}
	id.Profile, id.URL = r.Name, r.URL
	if id.Client == "" {
		id.Client = r.ClientID
	}
	return o.Print.One(o.IO, &id)
}

func getToken(ctx context.Context, profile func() (*config.Resolved, error), source tokenFunc) (*config.Resolved, transport.Token, error) {
	r, err := profile()
	if err != nil {
		return nil, transport.Token{}, err
	}
	src, err := source(ctx, r)
	if err != nil {
		return nil, transport.Token{}, err
	}
	t, err := src.Token(ctx)
	return r, t, err
}

// readIdentity is what a token says of itself.
func readIdentity(t transport.Token) identity {
	c := cmdutil.ReadClaims(t)
	id := identity{
		Subject: c.Subject, Type: c.SubjectType, Client: c.Client, Tenant: c.Tenant,
		Issuer: c.Issuer, Scope: c.Scope, Roles: c.Roles,
	}
	if !c.Expires.IsZero() {
		id.Expires = c.Expires.Format(time.RFC3339)
	}
	return id
}

// tokenView is a token for printing. It exists to show the token, so it holds
// it in the open.
type tokenView struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	Expires     string `json:"expires,omitempty"`
	Scope       string `json:"scope,omitempty"`
}

var tokenSpec = output.Spec[tokenView]{
	Columns: []output.Column[tokenView]{
		{Name: "access_token", Path: "access_token", Get: func(t *tokenView) string { return t.AccessToken }},
		{Name: "expires", Path: "expires", Get: func(t *tokenView) string { return t.Expires }},
	},
	Key: func(t *tokenView) string { return t.AccessToken },
}

type tokenOptions struct {
	IO      *iostreams.Streams
	Profile func() (*config.Resolved, error)
	Tokens  tokenFunc
	Print   output.Printer[tokenView]
	// Plain prints the bare token: the default format.
	Plain func() bool
}

// NewToken returns the command token.
func NewToken(d *cmdutil.Deps) *cobra.Command { return newTokenCmd(d, runToken) }

func newTokenCmd(d *cmdutil.Deps, run func(context.Context, *tokenOptions) error) *cobra.Command {
	o := &tokenOptions{
		IO: d.IO, Profile: d.Profile, Tokens: d.Tokens, Print: output.New(d.Output, tokenSpec),
		Plain: func() bool {
			return d.Output.Format == "" || d.Output.Format == output.Table || d.Output.Format == output.Wide
		},
	}
	return &cobra.Command{
		Use: "token", Short: "Print an access token, for curl and scripts", Args: cmdutil.NoArgs,
		Long: "Print an access token of the profile: the bare token, or with -o json the token with\n" +
			"its type and expiry. Whoever has it can do what the profile's client may do until it\n" +
			"expires, so keep it out of logs and arguments: curl reads headers from a file.",
		Example: "  idctl token --profile prod -o json\n" +
			"  printf 'Authorization: Bearer %s\\n' \"$(idctl token)\" | curl -H @- https://idcs-x.identity.oraclecloud.com/admin/v1/Users",
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runToken(ctx context.Context, o *tokenOptions) error {
	r, t, err := getToken(ctx, o.Profile, o.Tokens)
	if err != nil {
		return err
	}
	if r.Auth == config.AuthBasic {
		// What stands in its place is the password.
		return &provider.UnsupportedError{
			Provider: r.Provider, What: "print a token: auth basic sends user name and password", Instead: "curl --user does the same",
		}
	}
	v := tokenView{AccessToken: t.Value.Reveal(), TokenType: t.Type, Scope: t.Scope}
	if v.TokenType == "" {
		v.TokenType = "Bearer"
	}
	if !t.Expiry.IsZero() {
		v.Expires = t.Expiry.UTC().Format(time.RFC3339)
	}
	if o.Plain() {
		if _, err := fmt.Fprintln(o.IO.Out, v.AccessToken); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	}
	return o.Print.One(o.IO, &v)
}
