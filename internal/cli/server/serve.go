package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/pkg/idcs"
)

// grace is how long requests on their way may take once the server is to end.
const grace = 5 * time.Second

type clockFunc func() time.Time

func (f clockFunc) Now() time.Time { return f() }

func runServe(ctx context.Context, o *serveOptions) (err error) {
	path, err := readyPath(o.Deps, o.ReadyFile)
	switch {
	case err == nil:
		if err := vacant(ctx, path); err != nil {
			return err // before the store is opened and a secret made
		}
	case !errors.Is(err, config.ErrNoHome):
		return err
	}
	if o.ClientSecretFile != "" {
		if o.clientSecret, err = o.ReadSecret(ctx, o.ClientSecretFile); err != nil {
			return err
		}
	}
	st, fresh, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	svc, err := emulator.New(ctx, emulator.Options{
		Store: st, Clock: clockFunc(o.Clock), ClientID: o.ClientID, ClientSecret: string(o.clientSecret),
		Limits: o.Limits, Faults: o.rules, FaultSeed: o.FaultSeed, Log: o.Log, AllowedHosts: o.hosts(),
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	if o.Seed != "" {
		if err := o.seed(ctx, svc); err != nil {
			return err
		}
	}
	return o.listen(ctx, svc, fresh)
}

// hosts are the names under which a server for other machines is called; the
// name is part of the address the user chose.
func (o *serveOptions) hosts() []string {
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil || !o.AllowRemote {
		return nil
	}
	hosts := []string{}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return append(hosts, host)
	}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return hosts // the loopback names remain
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			hosts = append(hosts, n.IP.String())
		}
	}
	return hosts
}

// open opens the store and settles the client's credentials. fresh says that
// the secret was made by this start, so that nobody has been told it.
func (o *serveOptions) open(ctx context.Context) (st store.Store, fresh bool, err error) {
	if o.Store == inMemory {
		return memory.New(), o.clientSecret == "", nil
	}
	if st, err = sqlite.Open(ctx, o.Store); err != nil {
		return nil, false, fmt.Errorf("server: open %s: %w", o.Store, err)
	}
	if o.ClientID != "" {
		return st, false, nil
	}
	creds, made, err := cmdutil.ReadOrMakeCredentials(ctx, o.Store+".credentials", "idctl-")
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("server: %w", err), st.Close())
	}
	o.ClientID, o.clientSecret = creds.ClientID, auth.Secret(creds.ClientSecret)
	return st, made, nil
}

// listen serves until ctx ends. A server that was asked to stop did its job:
// that is no error.
func (o *serveOptions) listen(ctx context.Context, svc *emulator.Service, fresh bool) (err error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	srv := &http.Server{
		Handler: svc.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	served := cmdutil.Go(func() error { return srv.Serve(ln) })
	creds := svc.Credentials()
	r := &ready{
		URL: "http://" + reachable(ln.Addr()), ClientID: creds.ClientID,
		ClientSecret: creds.ClientSecret, ControlKey: creds.ControlKey, Limits: o.Limits,
	}
	note, err := announce(ctx, o.Deps, o.ReadyFile, r)
	if err == nil {
		err = o.greet(r, note, fresh)
	}
	if err == nil {
		sending, stop := context.WithCancel(ctx)
		sent := o.deliver(sending, svc, r.URL)
		select {
		case err = <-served:
			served = nil
		case err = <-sent:
			sent = nil
		case <-ctx.Done():
		}
		stop()
		if sent != nil {
			err = errors.Join(err, <-sent)
		}
	}
	err = errors.Join(err, note.withdraw())
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(late) != nil {
		// Whoever still holds a connection has had its time.
		err = errors.Join(err, srv.Close())
	}
	if served != nil {
		if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
	}
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// deliver sends mails while the server runs, if it is to.
func (o *serveOptions) deliver(ctx context.Context, svc *emulator.Service, url string) <-chan error {
	if o.SMTP == "" {
		return cmdutil.Go(func() error {
			<-ctx.Done()
			return nil
		})
	}
	return cmdutil.Go(func() error {
		return svc.Deliver(ctx, emulator.Delivery{SMTP: o.SMTP, From: o.SMTPFrom, BaseURL: url})
	})
}

// reachable is the address to call: one that means every interface is none.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil {
			host = "localhost"
		}
	}
	return net.JoinHostPort(host, port)
}

// greet says how the server is used. A secret is shown once, when it was made,
// to a person or when there is no file to look it up in; a log does not get it.
func (o *serveOptions) greet(r *ready, note *announcement, fresh bool) error {
	where := o.Store
	if where == inMemory {
		where = "memory"
	} else if abs, err := filepath.Abs(where); err == nil {
		where = abs
	}
	text := fmt.Sprintf("serving at %s, data in %s\nclient id: %s\noutbox: %s%s", r.URL, where, r.ClientID, r.URL, emulator.OutboxPath)
	if o.SMTP != "" {
		text += "\nmails are sent to: " + o.SMTP
	}
	env := "idctl server env"
	if o.ReadyFile != "" {
		env += " --ready-file " + quoteSh(o.ReadyFile)
	}
	switch {
	case note == nil && fresh:
		text += "\nclient secret: " + r.ClientSecret + "\ncontrol key: " + r.ControlKey
	case note != nil:
		if fresh && o.IO.ErrTerminal && r.ClientSecret != "" {
			text += "\nclient secret: " + r.ClientSecret
		}
		text += "\nready file: " + note.path + "\nin another shell: eval \"$(" + env + ")\""
	}
	if host, _, err := net.SplitHostPort(o.Addr); err == nil && !loopback(host) {
		o.Log.Warn("other machines can reach this server, and it does not encrypt: use it on networks you trust only")
	}
	return o.Note("%s", text)
}

func makeParent(path string) error { return atomicfile.Folder(filepath.Dir(path)) }

// seed creates what --seed names. What a file store has already stays.
func (o *serveOptions) seed(ctx context.Context, svc *emulator.Service) error {
	if isCSV(o.Seed) {
		return seedUsers(ctx, o.Deps, o.Seed, idcs.Options{
			BaseURL: "http://localhost", Base: svc.TransportAs(svc.Credentials().ClientID), Unlimited: true,
		})
	}
	req, err := readSeed(ctx, o.Deps, o.Seed)
	if err != nil {
		return err
	}
	rep, err := svc.Seed(ctx, req)
	if err != nil && !errors.Is(err, emulator.ErrSeed) {
		return fmt.Errorf("--seed %s: %w", o.Seed, err)
	}
	return reportSeed(o.Deps, &rep)
}
