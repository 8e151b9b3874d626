package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/idctl/idctl/pkg/idtest"
)

// The credentials of a service that a script starts. They are known, so that a
// script can look for them where they must not be.
const (
	scriptClientID     = "script-client"
	scriptClientSecret = "client-hush-7d1f"
)

// serviceKey finds the running service of a script.
type serviceKey struct{}

// holder lets a command of a script hand a service to a later one.
type holder struct{ server *idtest.Server }

// scriptCommands are the commands of scripts that need a service beyond the
// profile local.
//
//	service [limits=KIND] [fault=RULE]...   start one behind a listener and point IDCTL_* at it
//	faults [RULE]...                        replace its fault rules
//	plant FILE                              put the documents of a JSON list into it: {type, bulkId, attrs}
//	answered STATUS MIN MAX                 bound how many requests it answered so
//	misbehaving KIND                        point IDCTL_* at a server of the kinds below
//	bytes FILE QUOTED [N]                   write a Go string literal to a file, N times over
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := personCommands()
	maps.Copy(commands, map[string]func(*testscript.TestScript, bool, []string){
		"exits": exits, "service": startService, "faults": setFaults, "plant": plant, "answered": answered,
		"misbehaving": misbehaving, "bytes": writeBytes,
	})
	return commands
}

func startService(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: service [limits=KIND] [fault=RULE]...")
	}
	opts := []idtest.Option{idtest.WithCredentials(scriptClientID, scriptClientSecret)}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "limits":
			opts = append(opts, idtest.WithLimits(value))
		case "fault":
			opts = append(opts, idtest.WithFaults(value))
		default:
			ts.Fatalf("service: what is %q", a)
		}
	}
	srv, err := idtest.Start(context.Background(), opts...)
	ts.Check(err)
	ts.Defer(func() { ts.Check(srv.Close()) })
	ts.Value(serviceKey{}).(*holder).server = srv
	pointAt(ts, srv.URL)
	ts.Setenv("IDCTL_CLIENT_ID", srv.ClientID)
	ts.Setenv("IDCTL_CLIENT_SECRET", srv.ClientSecret)
	ts.Setenv("IDCTL_CONTROL_KEY", srv.ControlKey)
}

// pointAt makes the environment mean a service, and no other.
func pointAt(ts *testscript.TestScript, url string) {
	for _, name := range []string{"IDCTL_PROFILE", "IDCTL_TOKEN", "IDCTL_CLIENT_ID", "IDCTL_CLIENT_SECRET"} {
		ts.Setenv(name, "")
	}
	ts.Setenv("IDCTL_URL", url)
}

func running(ts *testscript.TestScript) *idtest.Server {
	srv := ts.Value(serviceKey{}).(*holder).server
	if srv == nil {
		ts.Fatalf("no service was started")
	}
	return srv
}

func setFaults(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: faults [RULE]...")
	}
	ts.Check(running(ts).Faults(args...))
}

func plant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: plant FILE")
	}
	var docs []struct {
		Type   string         `json:"type"`
		BulkID string         `json:"bulkId"`
		Attrs  map[string]any `json:"attrs"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &docs))
	list := make([]idtest.Document, len(docs))
	for i, d := range docs {
		list[i] = idtest.Document{Type: d.Type, BulkID: d.BulkID, Attrs: d.Attrs}
	}
	_, err := running(ts).Seed(context.Background(), list...)
	ts.Check(err)
}

func answered(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: answered STATUS MIN MAX")
	}
	var n [3]int
	for i, a := range args {
		var err error
		n[i], err = strconv.Atoi(a)
		ts.Check(err)
	}
	got := 0
	for _, r := range running(ts).Requests() {
		if r.Status == n[0] {
			got++
		}
	}
	if got < n[1] || got > n[2] {
		ts.Fatalf("%d requests were answered %d, want %d to %d", got, n[0], n[1], n[2])
	}
}

// misbehaving starts a server whose answers are no use:
//
//	tls        its certificate is nobody's
//	cut        the connection ends in the middle of a body
//	html       a page of some proxy with status 200
//	oversized  a body without an end
//	throttled  429 whatever is asked
//	denied     403 whatever is asked
func misbehaving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: misbehaving KIND")
	}
	answers := map[string]http.HandlerFunc{
		"tls": http.NotFound,
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/scim+json")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"Resources":[{"id":"1","userName":"half`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"html": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Please sign in to the guest network</body></html>"))
		},
		"oversized": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/scim+json")
			_, err := w.Write([]byte(`{"Resources":["`))
			for chunk := bytes.Repeat([]byte("x"), 1<<20); err == nil; {
				_, err = w.Write(chunk)
			}
		},
		"throttled": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"denied":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	}
	handler, ok := answers[args[0]]
	if !ok {
		ts.Fatalf("misbehaving: what is %q", args[0])
	}
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // that clients turn away is the point
	if args[0] == "tls" {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	ts.Defer(srv.Close)
	pointAt(ts, srv.URL)
	ts.Setenv("IDCTL_TOKEN", "token-hush-93ab")
}

func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: bytes FILE QUOTED [N]")
	}
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	n := 1
	if len(args) == 3 {
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(strings.Repeat(text, n))
	ts.Check(err)
	ts.Check(f.Close())
}
