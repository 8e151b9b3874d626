package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/pkg/idtest"
)

func TestSoundService(t *testing.T) {
	srv := idtest.New(t, idtest.WithCredentials("admin", hush))
	b := newBench(t, map[string]string{
		"IDCTL_URL": srv.URL, "IDCTL_CLIENT_ID": "admin", "IDCTL_CLIENT_SECRET": hush, "IDCTL_DOMAIN_TYPE": "premium",
	})
	b.examine(t).want(t, cmdutil.ExitOK,
		want{"profile", OK, "clientId admin (IDCTL_CLIENT_ID)", ""},
		want{"secret", OK, "client_secret is there: variable IDCTL_CLIENT_SECRET", ""},
		want{"proxy", OK, "none", ""},
		want{"dns", OK, "127.0.0.1 is a number already", ""},
		want{"connection", OK, "answers as 127.0.0.1:", ""},
		want{"tls", OK, "plain http, which is for this machine only", ""},
		want{"service", OK, "an identity domain, " + srv.URL + "/admin/v1", ""},
		want{"clock", OK, "agrees", ""},
		want{"token", OK, "for client admin", ""},
		want{"rights", OK, "may read users and groups; roles: Identity Domain Administrator", ""},
		want{"limits", OK, "of domain type premium: 90 requests a second", ""},
	)
}

func TestWrongSecret(t *testing.T) {
	srv := idtest.New(t, idtest.WithCredentials("admin", "right"))
	b := newBench(t, map[string]string{"IDCTL_URL": srv.URL, "IDCTL_CLIENT_ID": "admin", "IDCTL_CLIENT_SECRET": hush})
	b.examine(t).want(t, cmdutil.ExitDenied,
		want{"service", OK, "", ""},
		want{"token", Problem, "invalid_client", ""},
		want{"rights", Skipped, "needs token, which has a problem", ""},
		want{"limits", OK, "the lowest limits are kept: 20 requests a second", "IDCTL_DOMAIN_TYPE"},
	)
}

func TestTLS(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name        string
		host        string
		from, until time.Duration
		trust       bool
		state       State
		finding     string
		advice      string
		code        int
	}{
		{"Good", "127.0.0.1", -time.Hour, 400 * day, true, OK, "TLS 1.3, certificate by Test Authority, trusting ", "", cmdutil.ExitOK},
		{"EndsSoon", "127.0.0.1", -time.Hour, 5*day + time.Hour, true, Warning, "expires in 5 days", "renewed", cmdutil.ExitOK},
		{"Expired", "127.0.0.1", -9 * day, -3 * day, true, Problem, "expired 3 days ago", "clock", cmdutil.ExitFailure},
		{"NotYet", "127.0.0.1", 3*day + time.Hour, 9 * day, true, Problem, "valid in 3 days only", "clock", cmdutil.ExitFailure},
		{"OtherName", "idcs.example.com", -time.Hour, 400 * day, true, Problem, "for another name than 127.0.0.1", "is for idcs.example.com", cmdutil.ExitFailure},
		{"UnknownAuthority", "127.0.0.1", -time.Hour, 400 * day, false, Problem, "does not trust", "--ca-file", cmdutil.ExitFailure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, caFile := serveTLS(t, domain{}, tt.host, now.Add(tt.from), now.Add(tt.until))
			env := withToken(address)
			if tt.trust {
				env["IDCTL_CA_FILE"] = caFile
			}
			o := newBench(t, env).examine(t)
			o.want(t, tt.code, want{"connection", OK, "", ""}, want{"tls", tt.state, tt.finding, tt.advice})
			if tt.state == Problem {
				o.want(t, tt.code, want{"service", Skipped, "needs tls", ""}, want{"clock", Skipped, "needs tls", ""}, want{"rights", Skipped, "needs tls", ""})
			} else {
				o.want(t, tt.code, want{"service", OK, "", ""}, want{"rights", OK, "", ""})
			}
		})
	}
}

func TestNoTLS(t *testing.T) {
	t.Run("PlainServer", func(t *testing.T) {
		address := strings.Replace(serve(t, domain{}), "http://", "https://", 1)
		newBench(t, withToken(address)).examine(t).want(t, cmdutil.ExitFailure, want{"tls", Problem, "does not speak TLS", "check the port"})
	})
	t.Run("PlainHTTPElsewhere", func(t *testing.T) {
		there, err := url.Parse(serve(t, domain{}))
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, withToken("http://idcs.example.com"))
		b.Resolve = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
		b.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, there.Host)
		}
		b.examine(t).want(t, cmdutil.ExitDenied, want{"tls", Problem, "no secret is sent", "https"}, want{"token", Skipped, "needs tls", ""})
	})
	t.Run("CutOff", func(t *testing.T) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // the test is over
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.Close() // that is what is tested
			}
		}()
		newBench(t, withToken("https://"+l.Addr().String())).examine(t).want(t, cmdutil.ExitBusy, want{"tls", Problem, l.Addr().String(), "firewall"})
	})
	t.Run("NoCAFile", func(t *testing.T) {
		address, _ := serveTLS(t, domain{}, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(400*day))
		env := withToken(address)
		env["IDCTL_CA_FILE"] = filepath.Join(t.TempDir(), "none.pem")
		newBench(t, env).examine(t).want(t, cmdutil.ExitFailure, want{"tls", Problem, "none.pem", "correct caFile"})
	})
}

func TestNobodyThere(t *testing.T) {
	t.Run("Refused", func(t *testing.T) {
		newBench(t, withToken("https://127.0.0.1:1")).examine(t).want(t, cmdutil.ExitBusy,
			want{"connection", Problem, "127.0.0.1:1", "firewall"}, want{"tls", Skipped, "needs connection", ""},
			want{"service", Skipped, "needs connection", ""}, want{"rights", Skipped, "needs connection", ""}, want{"limits", OK, "", ""})
	})
	t.Run("NoSuchName", func(t *testing.T) {
		b := newBench(t, withToken("https://idcs.example.com"))
		b.Resolve = func(_ context.Context, host string) ([]string, error) {
			return nil, &net.DNSError{Name: host, IsNotFound: true, Err: "no such host"}
		}
		b.examine(t).want(t, cmdutil.ExitBusy, want{"dns", Problem, "idcs.example.com: no such name", "typing mistake"})
	})
	t.Run("NoNameServer", func(t *testing.T) {
		b := newBench(t, withToken("https://idcs.example.com"))
		b.Limit = time.Millisecond
		b.Resolve = func(ctx context.Context, _ string) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
		o := b.examine(t)
		if c := o.checks["dns"]; c.State != Problem || !strings.Contains(c.Finding, "no answer in time") {
			t.Errorf("dns: %+v", c)
		}
	})
	t.Run("NoAddress", func(t *testing.T) {
		b := newBench(t, withToken("https://idcs.example.com"))
		b.Resolve = func(context.Context, string) ([]string, error) { return nil, nil }
		b.examine(t).want(t, cmdutil.ExitBusy, want{"dns", Problem, "no address", ""})
	})
}

func TestProxy(t *testing.T) {
	t.Run("WithPassword", func(t *testing.T) {
		// A proxy that lets nobody through tells that it was asked.
		asked := make(chan string, 8)
		proxy, err := url.Parse(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Method + " " + r.Host
			w.WriteHeader(http.StatusProxyAuthRequired)
		})))
		if err != nil {
			t.Fatal(err)
		}
		proxy.User = url.UserPassword("me", hush)
		env := withToken("https://idcs.example.com")
		env["HTTPS_PROXY"] = proxy.String()
		b := newBench(t, env)
		b.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
		b.Resolve = func(context.Context, string) ([]string, error) {
			return nil, errors.New("nobody looks up a name behind a proxy")
		}
		b.examine(t).want(t, cmdutil.ExitBusy,
			want{"proxy", OK, "http://" + proxy.Host + " with a user name and password from HTTPS_PROXY", ""},
			want{"dns", OK, "127.0.0.1 is a number already", ""},
			want{"connection", OK, proxy.Host, ""},
			want{"tls", Problem, "the proxy wants a user name and password", "USER:PASSWORD"})
		if got := <-asked; got != "CONNECT idcs.example.com:443" {
			t.Errorf("the proxy was asked %q", got)
		}
	})
	t.Run("Unreadable", func(t *testing.T) {
		env := withToken("https://idcs.example.com")
		env["https_proxy"] = "http://me:" + hush + "@:x"
		b := newBench(t, env)
		b.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("parse " + env["https_proxy"]) }
		b.examine(t).want(t, cmdutil.ExitFailure,
			want{"proxy", Problem, "https_proxy cannot be read", "HOST:PORT"}, want{"dns", Skipped, "needs proxy", ""})
	})
	t.Run("NotForThisHost", func(t *testing.T) {
		env := withToken(serve(t, domain{}))
		env["HTTP_PROXY"] = "http://me:" + hush + "@proxy.example.com"
		newBench(t, env).examine(t).want(t, cmdutil.ExitOK, want{"proxy", OK, "not for 127.0.0.1", ""})
	})
}

func TestClock(t *testing.T) {
	for name, tt := range map[string]struct {
		off     time.Duration
		state   State
		finding string
		code    int
	}{
		"Right":       {0, OK, "agrees", cmdutil.ExitOK},
		"SomeSeconds": {-20 * time.Second, OK, "ahead of the service", cmdutil.ExitOK},
		"Ahead":       {-3 * time.Minute, Warning, "minutes ahead of the service", cmdutil.ExitOK},
		"Behind":      {11*time.Minute + 30*time.Second, Problem, "11 minutes behind the service", cmdutil.ExitFailure},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, domain{date: func() time.Time { return time.Now().Add(tt.off) }})
			newBench(t, withToken(address)).examine(t).want(t, tt.code, want{"clock", tt.state, tt.finding, ""})
		})
	}
	t.Run("NoDate", func(t *testing.T) {
		address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			domain{}.ServeHTTP(w, r)
		}))
		newBench(t, withToken(address)).examine(t).want(t, cmdutil.ExitOK, want{"clock", Skipped, "no answer with a Date header", ""})
	})
}

func TestAnswers(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html>sign in to the guest network</html>")
	}
	scim := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/scim/v2/ServiceProviderConfig" {
			http.Error(w, `{}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/scim+json")
		_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},"bulk":{},"filter":{"supported":true}}`)
	})
	tests := []struct {
		name  string
		h     http.Handler
		code  int
		wants []want
	}{
		{"Unauthorised", domain{users: 401, groups: 401}, cmdutil.ExitDenied, []want{{"rights", Problem, "does not accept the token (401)", "idctl login"}}},
		{"Forbidden", domain{users: 403, groups: 403}, cmdutil.ExitDenied, []want{{"rights", Problem, "may read neither users nor groups (403); roles: Security Administrator", "administrator role"}}},
		{"HalfForbidden", domain{groups: 403}, cmdutil.ExitOK, []want{{"rights", Warning, "may read users, not groups (403)", "administrator role"}}},
		{"Throttled", domain{users: 429}, cmdutil.ExitBusy, []want{
			{"rights", Problem, "too many requests (429) (Retry-After: 30)", "later"}, {"limits", Warning, "429: users (Retry-After: 30)", "--rate"},
		}},
		{"Trouble", domain{users: 503}, cmdutil.ExitBusy, []want{{"rights", Problem, "answers 503", "later"}}},
		{"DiscoveryTrouble", domain{discovery: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }}, cmdutil.ExitBusy, []want{
			{"service", Problem, "502 at /.well-known/idcs-configuration", "later"}, {"rights", OK, "", ""},
		}},
		{"DiscoveryThrottled", domain{discovery: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }}, cmdutil.ExitBusy, []want{{"service", Problem, "too many requests", "later"}}},
		{"DiscoveryNotPublic", domain{discovery: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }}, cmdutil.ExitOK, []want{{"service", OK, "without a token: 401", ""}}},
		{"WebPage", http.HandlerFunc(html), cmdutil.ExitFailure, []want{
			{"service", Problem, "a web page came instead of an API", "proxy"}, {"rights", Problem, "200 and no list", "address"},
		}},
		{"PlainSCIM", scim, cmdutil.ExitFailure, []want{{"service", Problem, "a SCIM 2.0 server: patch yes, bulk no, filter yes, not provider idcs", "--provider=scim --url=http://127.0.0.1"}}},
		{"SomethingElse", http.HandlerFunc(http.NotFound), cmdutil.ExitFailure, []want{{"service", Problem, "not a service of provider idcs: 404", "address"}}},
		{"Elsewhere", http.RedirectHandler("https://login.example.com/", http.StatusFound), cmdutil.ExitFailure, []want{{"service", Problem, "login.example.com", "moved"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { newBench(t, withToken(serve(t, tt.h))).examine(t).want(t, tt.code, tt.wants...) })
	}
}

func TestToken(t *testing.T) {
	address := serve(t, domain{})
	for name, tt := range map[string]struct {
		token   string
		state   State
		finding string
		code    int
	}{
		"Opaque":  {hush, OK, "obtained, end unknown", cmdutil.ExitOK},
		"Expired": {jwt(`{"sub":"a","exp":1000000000}`), Problem, "it expired", cmdutil.ExitDenied},
		"Good":    {withToken("")["IDCTL_TOKEN"], OK, "for user admin@example.com, 3 scopes, expires in", cmdutil.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, map[string]string{"IDCTL_URL": address, "IDCTL_TOKEN": tt.token})
			b.examine(t).want(t, tt.code, want{"token", tt.state, tt.finding, ""})
		})
	}
}

func TestPlainSCIM(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		user, password, given := r.BasicAuth()
		switch {
		case r.URL.Path == "/scim/v2/ServiceProviderConfig" && !given:
			_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"bulk":{"supported":true}}`)
		case r.URL.Path == "/scim/v2/Users" && user == "zoe" && password == hush:
			_, _ = io.WriteString(w, `{"Resources":[]}`)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	})
	env := map[string]string{"IDCTL_URL": serve(t, h) + "/scim/v2", "IDCTL_PROVIDER": "scim", "IDCTL_AUTH": "basic"}
	newBench(t, env).examine(t).want(t, cmdutil.ExitDenied, want{"secret", Problem, "no user name", "IDCTL_USER"})
	env["IDCTL_USER"], env["IDCTL_PASSWORD"] = "zoe", hush
	newBench(t, env).examine(t).want(t, cmdutil.ExitOK,
		want{"secret", OK, "password is there: variable IDCTL_PASSWORD", ""},
		want{"service", OK, "a SCIM 2.0 server: patch no, bulk yes, filter no", ""},
		want{"token", OK, "none needed", ""},
		want{"rights", Warning, "may read users, not groups (403); no roles are named", ""},
		want{"limits", OK, "none known for provider scim", ""})
}
