package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]FaultRule{
		"429": {Action: FaultStatus, Status: 429},
		"429:every=3,path=/admin/v1/Users,retry-after=1": {Action: FaultStatus, Status: 429, Every: 3, Path: "/admin/v1/Users", RetryAfter: ptr(1)},
		"503:retry-after=0":                       {Action: FaultStatus, Status: 503, RetryAfter: ptr(0)},
		"drop:probability=0.25,family=oauth2":     {Action: FaultDrop, Probability: 0.25, Family: "oauth2"},
		"cut:method=POST,times=2":                 {Action: FaultCut, Method: "POST", Times: 2},
		"latency:delay=1.5s":                      {Action: FaultLatency, Delay: Duration(1500 * time.Millisecond)},
		"expire-tokens:path=/a%2Cb%25,delay=10ms": {Action: FaultExpire, Path: "/a,b%", Delay: Duration(10 * time.Millisecond)},
	} {
		got, err := ParseFault(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{
		"", "boom", "200", "600", "status", "latency", "latency:delay=-1s", "429:every", "429:every=x", "429:every=1,every=2",
		"429:every=2,probability=0.5", "drop:retry-after=1", "429:retry-after=-1", "drop:probability=2", "drop:probability=NaN",
		"drop:family=nothing", "drop:method=get", "drop:path=[", "drop:colour=red", "drop:", "cut:times=-1",
	} {
		if _, err := ParseFault(text); !errors.Is(err, ErrFaultRule) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add("429:every=3,path=/admin/v1/Users,retry-after=1")
	f.Add("latency:delay=1h,probability=0.1")
	f.Add("drop:path=%2C%25%2c")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseFault(text)
		if err != nil {
			return
		}
		again, err := ParseFault(r.String())
		if err != nil {
			t.Fatalf("%q printed as %q: %v", text, r, err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("%q printed as %q (-first +again):\n%s", text, r, diff)
		}
	})
}

func TestFaultJSON(t *testing.T) {
	want := FaultRule{Action: FaultStatus, Status: 429, RetryAfter: ptr(2), Delay: Duration(time.Second), Path: "/a,b", Every: 2, Times: 3, Method: "GET", Family: "admin"}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(raw), strconv.Quote(want.String())} {
		var got FaultRule
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, bad := range []string{`{"action":"boom"}`, `{"action":"drop","delay":"x"}`, `"boom"`, `5`} {
		var got FaultRule
		if err := json.Unmarshal([]byte(bad), &got); !errors.Is(err, ErrFaultRule) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSleep(t *testing.T) {
	if err := sleep(t.Context(), 1); err != nil {
		t.Errorf("a nanosecond: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFaultConditions(t *testing.T) {
	for _, tc := range []struct {
		rule string
		hits string // of GET /admin/v1/Users six times: x fired
	}{
		{"429", "xxxxxx"},
		{"429:every=3", "..x..x"},
		{"429:times=2", "xx...."},
		{"429:every=2,times=1", ".x...."},
		{"429:path=/admin/v1/Us", "xxxxxx"},
		{"429:path=/admin/*/Users", "xxxxxx"},
		{"429:path=/admin/*", "......"},
		{"429:path=/oauth2", "......"},
		{"429:method=POST", "......"},
		{"429:family=admin,method=GET", "xxxxxx"},
		{"429:family=oauth2", "......"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			r, err := ParseFault(tc.rule)
			if err != nil {
				t.Fatal(err)
			}
			f := start(t, func(o *Options) { o.Faults = []FaultRule{r} })
			var got strings.Builder
			for range 6 {
				if a := f.do(http.MethodGet, "/admin/v1/Users", nil); a.status == 429 {
					got.WriteString("x")
				} else {
					f.want(a, 200)
					got.WriteString(".")
				}
			}
			if got.String() != tc.hits {
				t.Errorf("got %s, want %s", got.String(), tc.hits)
			}
		})
	}
}

func TestFaultProbability(t *testing.T) {
	pattern := func(seed uint64) string {
		s, err := newFaultSet([]FaultRule{{Action: FaultDrop, Probability: 0.3}}, seed)
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x.example.com/", nil)
		var b strings.Builder
		for range 1000 {
			if s.decide(familyAdmin, req).action != nil {
				b.WriteByte('x')
			} else {
				b.WriteByte('.')
			}
		}
		return b.String()
	}
	one := pattern(1)
	if one != pattern(1) {
		t.Error("the same seed must fail the same requests")
	}
	if one == pattern(2) {
		t.Error("another seed must not")
	}
	if n := strings.Count(one, "x"); n < 240 || n > 360 {
		t.Errorf("%d of 1000 with probability 0.3", n)
	}
}

func TestFaultStatusAndLatency(t *testing.T) {
	var slept []time.Duration
	f := start(t, func(o *Options) {
		o.Sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	})
	if err := f.SetFaults([]FaultRule{
		{Action: FaultLatency, Delay: Duration(time.Second)},
		{Action: FaultStatus, Status: 429, RetryAfter: ptr(7), Delay: Duration(time.Minute), Times: 1},
		{Action: FaultStatus, Status: 503, Times: 2},
	}); err != nil {
		t.Fatal(err)
	}
	a := f.do(http.MethodGet, "/admin/v1/Users", nil)
	if a.status != 429 || a.header.Get("Retry-After") != "7" || a.doc["status"] != "429" {
		t.Errorf("got %d %v %s", a.status, a.header, a.raw)
	}
	// The second status did not come to its turn before: it still has two.
	for range 2 {
		a = f.do(http.MethodGet, "/admin/v1/Users", nil)
		if a.status != 503 || a.header.Get("Retry-After") != "" {
			t.Errorf("got %d %v", a.status, a.header)
		}
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 200)
	if diff := cmp.Diff([]time.Duration{61 * time.Second, time.Second, time.Second, time.Second}, slept); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	want := []FaultState{
		{"latency:delay=1s", 4, 4}, {"429:times=1,delay=1m0s,retry-after=7", 4, 1}, {"503:times=2", 4, 2},
	}
	if diff := cmp.Diff(want, f.Faults()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// TestBrokenConnections runs drop and cut over a listener and in process.
func TestBrokenConnections(t *testing.T) {
	for _, way := range []string{"listener", "in process"} {
		t.Run(way, func(t *testing.T) {
			f := start(t, nil)
			// No keep-alive: net/http would repeat a request on a reused
			// connection by itself.
			var rt http.RoundTripper = &http.Transport{DisableKeepAlives: true}
			if way == "in process" {
				rt = f.Transport()
			}
			set := func(a FaultAction) {
				t.Helper()
				if err := f.SetFaults([]FaultRule{{Action: a, Method: http.MethodPost, Path: "/admin/", Times: 1}}); err != nil {
					t.Fatal(err)
				}
			}
			set(FaultDrop)
			if resp, err := rt.RoundTrip(f.request(http.MethodPost, "/admin/v1/Users", user("ada"))); err == nil {
				_ = resp.Body.Close()
				t.Fatalf("a dropped connection answered %d", resp.StatusCode)
			}
			if log := f.Requests(); log[0].Status != 0 || log[0].Fault != "drop" {
				t.Errorf("log %+v", log[0])
			}
			if n := f.count(""); n != 0 {
				t.Errorf("a dropped request made %d users", n)
			}
			set(FaultCut)
			resp, err := rt.RoundTrip(f.request(http.MethodPost, "/admin/v1/Users", user("ada")))
			if err != nil {
				t.Fatalf("a cut answer begins: %v", err)
			}
			raw, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != 201 || !errors.Is(err, io.ErrUnexpectedEOF) || len(raw) == 0 || raw[len(raw)-1] == '\n' {
				t.Errorf("cut answer: %d, %d bytes, %v", resp.StatusCode, len(raw), err)
			}
			if n := f.count(""); n != 1 {
				t.Errorf("a cut answer made %d users", n)
			}
			id := f.create("bob")
			if err := f.SetFaults([]FaultRule{{Action: FaultCut, Method: http.MethodDelete, Times: 1}}); err != nil {
				t.Fatal(err)
			}
			if resp, err := rt.RoundTrip(f.request(http.MethodDelete, "/admin/v1/Users/"+id, nil)); err == nil {
				_ = resp.Body.Close()
				t.Errorf("a cut answer without a body came: %d", resp.StatusCode)
			}
			f.want(f.do(http.MethodGet, "/admin/v1/Users/"+id, nil), 404)
		})
	}
}

func TestFaultExpiresTokens(t *testing.T) {
	f := start(t, nil)
	if err := f.SetFaults([]FaultRule{{Action: FaultExpire, Times: 1}}); err != nil {
		t.Fatal(err)
	}
	a := f.do(http.MethodGet, "/admin/v1/Users", nil)
	if a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "expired") {
		t.Errorf("got %d %v", a.status, a.header)
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 401) // the token stays dead
	f.token, _ = f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 200)
}

// TestCloseLetsGo closes a service while a latency fault holds a request.
func TestCloseLetsGo(t *testing.T) {
	held := make(chan struct{})
	f := start(t, func(o *Options) {
		o.Sleep = func(ctx context.Context, _ time.Duration) error {
			close(held)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if err := f.SetFaults([]FaultRule{{Action: FaultLatency, Delay: Duration(time.Hour), Times: 1}}); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() { answered <- f.do(http.MethodGet, "/admin/v1/Users", nil).status }()
	<-held
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the held request got %d", status)
	}
}
