// Package server holds the commands about the emulator as a server: one that
// serves in the foreground, and those that speak to the control interface of a
// running one.
//
// It opens stores and listeners and prints; what the emulator does is in the
// emulator's own packages.
package server

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/mail"
)

const defaultAddr = "127.0.0.1:8910"

// inMemory is the value of --store that keeps nothing.
const inMemory = "memory"

const long = `Serve an identity domain on this machine, for development and tests: users,
groups and every other resource type, OAuth tokens, bulk calls, and the control
interface. It serves in the foreground until Ctrl-C or SIGTERM and then exits
with 0, once the requests on their way have been answered.

Mails are kept in an outbox: idctl server outbox lists them, and a web page
whose address is printed shows them to who has the control key. The links in
them lead to pages of this server. --smtp sends the mails as well.

Nobody is let in without credentials. The first start makes a client and a
secret; with --store FILE they are kept beside it in FILE.credentials, mode
0600. The ready file holds them too, appears once the server answers and goes
when it ends. idctl server env and the other commands find it by themselves.

Several servers, and the profile local, may use one file at the same time.`

// New builds the server commands.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := newServeCmd(d, runServe)
	cmd.AddCommand(
		newEnvCmd(d, runEnv), newStatusCmd(d, runStatus), newSeedCmd(d, runSeed), newResetCmd(d, runReset),
		newClockCmd(d, runClock), newFaultsCmd(d, runFaults), newOutboxCmd(d, runOutbox), newLogCmd(d, runLog),
	)
	return cmd
}

type serveOptions struct {
	*cmdutil.Deps
	Addr             string
	AllowRemote      bool
	Store            string
	ClientID         string
	ClientSecretFile string
	Seed             string
	ReadyFile        string
	Limits           string
	Faults           []string
	FaultSeed        uint64
	SMTP             string
	SMTPFrom         string

	clientSecret auth.Secret
	rules        []emulator.FaultRule
}

func newServeCmd(d *cmdutil.Deps, run func(context.Context, *serveOptions) error) *cobra.Command {
	o := &serveOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "server", Short: "Serve an identity domain on this machine, for tests", Long: long,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cmdutil.Unknown(cmd, args[0])
			}
			return nil
		},
		Example: `  idctl server
  idctl server --addr 127.0.0.1:0 --store domain.db --ready-file ready.json
  idctl server --limits free --fault 503:every=10,retry-after=1
  eval "$(idctl server env)"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.Addr, "addr", defaultAddr, "listen on `HOST:PORT`; port 0 takes a free one")
	fs.BoolVar(&o.AllowRemote, "allow-remote", false, "let --addr be an address that other machines reach")
	fs.StringVar(&o.Store, "store", inMemory, "keep the data in `FILE`; memory keeps it until the end")
	fs.StringVar(&o.ClientID, "client-id", "", "`id` of the administrator's client (default: made at the first start)")
	fs.StringVar(&o.ClientSecretFile, "client-secret-file", "", "read the client's secret from `FILE`, - for standard input")
	fs.StringVar(&o.Seed, "seed", "", "create what is in `FILE`: resources as JSON or JSON lines, or a CSV of users")
	readyFlag(fs, &o.ReadyFile)
	fs.StringVar(&o.Limits, "limits", "", "apply the published rate limits of a `KIND` of domain: "+strings.Join(emulator.LimitNames(), ", "))
	fs.StringArrayVar(&o.Faults, "fault", nil, "let requests go wrong by a `RULE` such as 429:every=3,retry-after=1 (repeatable)")
	fs.Uint64Var(&o.FaultSeed, "fault-seed", 1, "`number` that makes rules with a probability repeatable")
	fs.StringVar(&o.SMTP, "smtp", "", "send the mails by the SMTP server at `HOST:PORT`, encrypted where it can; they stay in the outbox as well")
	fs.StringVar(&o.SMTPFrom, "smtp-from", emulator.DefaultMailFrom, "`address` that mails are sent from, with --smtp")
	return cmd
}

// check refuses what does not fit together, before anything is opened.
func (o *serveOptions) check() error {
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return cmdutil.Usagef("--addr must be HOST:PORT, such as %s, not %q", defaultAddr, o.Addr)
	}
	if !o.AllowRemote && !loopback(host) {
		return cmdutil.Usagef("--addr %s can be reached from other machines, and tokens would cross the network unencrypted", o.Addr).
			WithHint("--allow-remote takes it nevertheless")
	}
	if o.Store == "" {
		return cmdutil.Usagef("--store must be memory or a file")
	}
	if o.Store != inMemory && (o.ClientID == "") != (o.ClientSecretFile == "") {
		// The file knows the client by then, and its secret cannot be read back.
		return cmdutil.Usagef("with --store FILE, give --client-id and --client-secret-file together, or neither")
	}
	if o.Limits != "" && !slices.Contains(emulator.LimitNames(), o.Limits) {
		return cmdutil.Usagef("--limits must be one of %s, not %q", strings.Join(emulator.LimitNames(), ", "), o.Limits)
	}
	if o.SMTP != "" {
		if host, port, err := net.SplitHostPort(o.SMTP); err != nil || host == "" || port == "" {
			return cmdutil.Usagef("--smtp must be HOST:PORT, such as 127.0.0.1:1025, not %q", o.SMTP)
		}
	}
	if o.SMTPFrom == "" {
		o.SMTPFrom = emulator.DefaultMailFrom
	}
	if _, err := mail.Address(o.SMTPFrom); err != nil {
		return cmdutil.Usagef("--smtp-from must be an e-mail address, not %q", o.SMTPFrom)
	}
	if o.SMTP == "" && o.SMTPFrom != emulator.DefaultMailFrom {
		return cmdutil.Usagef("--smtp-from needs --smtp: without it no mail leaves the server")
	}
	o.rules, err = parseRules(o.Faults)
	if err != nil {
		return cmdutil.Usagef("--fault: %w", err)
	}
	return nil
}

func parseRules(texts []string) ([]emulator.FaultRule, error) {
	rules := []emulator.FaultRule{}
	for _, text := range texts {
		rule, err := emulator.ParseFault(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
