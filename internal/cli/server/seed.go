package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// maxSeed is what the control interface takes.
const maxSeed = 64 << 20

type seedOptions struct {
	*cmdutil.Deps
	ReadyFile     string
	File          string
	Users, Groups int
	Number        uint64
}

func newSeedCmd(d *cmdutil.Deps, run func(context.Context, *seedOptions) error) *cobra.Command {
	o := &seedOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "seed [<file>]", Short: "Create resources, from a file or invented",
		Long: `Create what is in a file: a JSON object or array as the control interface takes
it, JSON lines with one {"type":...,"document":...} each, or a CSV of users as
idctl import users takes it. Without a file, invent users and groups.`,
		Example: "  idctl server seed people.jsonl\n  idctl server seed --users 200 --groups 10",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cmdutil.One("file")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.File = args[0]
			}
			invented := o.Users != 0 || o.Groups != 0
			switch {
			case o.Users < 0 || o.Groups < 0:
				return cmdutil.Usagef("--users and --groups must not be negative")
			case o.File == "" && !invented:
				return cmdutil.Usagef("name a file, or say how many with --users and --groups")
			case o.File != "" && invented:
				return cmdutil.Usagef("give a file or --users and --groups, not both")
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Users, "users", 0, "invent `N` users")
	cmd.Flags().IntVar(&o.Groups, "groups", 0, "invent `N` groups")
	cmd.Flags().Uint64Var(&o.Number, "number", 1, "`number` that chooses the people: the same one, the same people")
	readyFlag(cmd.Flags(), &o.ReadyFile)
	return cmd
}

func runSeed(ctx context.Context, o *seedOptions) error {
	req := emulator.SeedRequest{Documents: []emulator.SeedDocument{}, Users: o.Users, Groups: o.Groups, Seed: o.Number}
	if o.File != "" && !isCSV(o.File) {
		var err error
		if req, err = readSeed(ctx, o.Deps, o.File); err != nil {
			return err
		}
	}
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	if o.File != "" && isCSV(o.File) {
		opts := idcs.Options{BaseURL: c.ready.URL, Clock: transport.NewClock(o.Clock)}
		way := idcs.TransportOptions(opts)
		way.Observe = showCalls(o.Deps, false)
		plain, err := transport.New(way)
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		opts.Unlimited = true
		opts.Tokens = tokens.Cached(tokens.ClientCredentials(tokens.Config{
			URL: c.ready.URL + "/oauth2/v1/token", Scope: "urn:opc:idm:__myscopes__", HTTP: plain, Clock: opts.Clock,
			Client: tokens.Basic{ID: c.ready.ClientID, Secret: transport.Secret(c.ready.ClientSecret)},
		}), tokens.CacheOptions{Clock: opts.Clock})
		return seedUsers(ctx, o.Deps, o.File, opts)
	}
	if req.Documents == nil {
		req.Documents = []emulator.SeedDocument{} // null is no list
	}
	var rep emulator.SeedReport
	if err := c.do(ctx, http.MethodPost, "/seed", req, &rep, http.StatusBadRequest); err != nil {
		return err
	}
	return reportSeed(o.Deps, &rep)
}

func isCSV(file string) bool { return strings.EqualFold(filepath.Ext(file), ".csv") }

// readSeed reads JSON, or JSON lines, and checks the form before anything is
// created.
func readSeed(ctx context.Context, d *cmdutil.Deps, file string) (emulator.SeedRequest, error) {
	raw, err := readBounded(ctx, d, file)
	if err != nil {
		return emulator.SeedRequest{}, err
	}
	req, err := emulator.ParseSeed(raw)
	if err != nil {
		if list, ok := jsonLines(raw); ok {
			req, err = emulator.ParseSeed(list)
		}
	}
	if err != nil {
		return req, cmdutil.Usagef("seed %s: %w", file, err)
	}
	return req, nil
}

func readBounded(ctx context.Context, d *cmdutil.Deps, file string) (raw []byte, err error) {
	in := d.IO.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, cmdutil.Usagef("seed: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	done := cmdutil.Go(func() (err error) {
		raw, err = io.ReadAll(io.LimitReader(in, maxSeed+1))
		return err
	})
	select {
	case err = <-done:
	case <-ctx.Done(): // whoever feeds a pipe may take its time
		return nil, context.Cause(ctx)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("seed %s: %w", file, err)
	case len(raw) > maxSeed:
		return nil, cmdutil.Usagef("seed %s is larger than %d bytes", file, maxSeed)
	}
	return raw, nil
}

// jsonLines makes an array of values that follow each other.
func jsonLines(raw []byte) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	var list []json.RawMessage
	for {
		var v json.RawMessage
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false
		}
		list = append(list, v)
	}
	data, err := json.Marshal(list)
	return data, err == nil && len(list) > 1
}

// reportSeed tells what was created. Documents that exist are no failure: a
// server on a file is started with the same seed each time.
func reportSeed(d *cmdutil.Deps, rep *emulator.SeedReport) error {
	total, exist := 0, 0
	words := []string{}
	for _, typ := range slices.Sorted(maps.Keys(rep.Created)) {
		total += rep.Created[typ]
		words = append(words, fmt.Sprintf("%d %s", rep.Created[typ], typ))
	}
	var first error
	for _, e := range rep.Errors {
		if e.Status == http.StatusConflict {
			exist++
		} else if first == nil {
			first = fmt.Errorf("document %d (%s): %s", e.Index+1, e.Type, e.Detail)
		}
	}
	text := "created nothing"
	if len(words) > 0 {
		text = "created " + strings.Join(words, ", ")
	}
	if exist > 0 {
		text += fmt.Sprintf("; %d were there already", exist)
	}
	if err := d.Note("%s", text); err != nil {
		return err
	}
	if first != nil {
		return &cmdutil.PartialError{What: "documents", Done: total + exist, Total: total + len(rep.Errors), Err: first}
	}
	return nil
}

// seedUsers imports a CSV of users, as idctl import users does; the journal is
// gone afterwards.
func seedUsers(ctx context.Context, d *cmdutil.Deps, name string, opts idcs.Options) (err error) {
	file, err := csvio.Open(name, csvio.Options{Name: name})
	if err != nil {
		return &cmdutil.UsageError{Err: fmt.Errorf("seed: %w", err)}
	}
	m := mapping.Options{Name: name}
	source, err := mapping.NewSource(file, mapping.User, m)
	if mapping.IsEPM(file.Header) {
		source, err = mapping.NewEPMSource(file, m)
	}
	if err != nil {
		return &cmdutil.UsageError{Err: fmt.Errorf("seed: %w", err), Help: "idctl import check " + name + " shows how each column is understood"}
	}
	opts.Clock, opts.Logger = transport.NewClock(d.Clock), d.Log
	way := idcs.TransportOptions(opts)
	way.Observe = showCalls(d, true)
	client, err := transport.NewClient(way)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	dir, err := os.MkdirTemp("", "idctl-seed-")
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	j, err := journal.Create(filepath.Join(dir, "journal"), journal.Identity{
		Type: mapping.User, Source: source.Hash(), Options: source.Options(), Name: name,
	}, d.Clock())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	sum, report, err := runner.Run(ctx, provideridcs.New(client), source, runner.Options{
		OnExisting: runner.Update, Route: runner.RouteBulk, Concurrency: 4, MaxErrors: -1, Journal: j, Clock: d.Clock,
	})
	if sum == nil || err != nil && !errors.Is(err, runner.ErrPartly) {
		return fmt.Errorf("seed %s: %w", name, err)
	}
	if nerr := d.Note("users of %s: %d created, %d updated, %d unchanged", name, sum.Created, sum.Updated, sum.Unchanged); nerr != nil {
		return nerr
	}
	if err == nil {
		return nil
	}
	for line, lerr := range report.Rejects(ctx) {
		if lerr != nil {
			return lerr
		}
		err = fmt.Errorf("line %d: %s", line.Item.Line, line.Reason.Text)
		break
	}
	return &cmdutil.PartialError{What: "rows", Done: sum.Rows - sum.Bad(), Total: sum.Rows, Err: err}
}
