package ascurl

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kballard/go-shellquote"
)

// sent is a request as far as it matters.
type sent struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// parse reads a curl line as a shell and curl would, as far as this package
// writes them. Variables stay as they are.
func parse(t *testing.T, line string) sent {
	t.Helper()
	words, err := shellquote.Split(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if words[0] != "curl" {
		t.Fatalf("not a curl line: %s", line)
	}
	s := sent{Method: http.MethodGet, Header: http.Header{}}
	var form []string
	for i := 1; i < len(words); i++ {
		next := func() string { i++; return words[i] }
		switch w := words[i]; w {
		case "-sS", "-g":
		case "-I":
			s.Method = http.MethodHead
		case "-X":
			s.Method = next()
		case "-u":
			s.Header.Set("Authorization", "user "+next())
		case "-H":
			name, value, _ := strings.Cut(next(), ":")
			if value != "" {
				s.Header.Add(name, strings.TrimPrefix(value, " "))
			}
		case "-d", "--data-raw", "--data-binary":
			s.Body = next()
		case "--data-urlencode":
			name, value, _ := strings.Cut(next(), "=")
			form = append(form, name+"="+url.QueryEscape(value))
		case "--cacert":
			s.Header.Set("Ca", next())
		default:
			s.URL = w
			if i != len(words)-1 {
				t.Fatalf("%q is not the last word of %s", w, line)
			}
		}
	}
	if form != nil {
		s.Body = strings.Join(form, "&")
	}
	return s
}

func request(t *testing.T, method, address string, header map[string]string, body string) *http.Request {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, in)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return req
}

const (
	scimType = "application/scim+json"
	hush     = "hush-4711-secret"
)

func TestCommand(t *testing.T) {
	const at = "https://x.example.com/admin/v1/Users"
	tests := []struct {
		name    string
		req     *http.Request
		opts    Options
		want    sent
		remarks int
	}{
		{
			name: "Get", req: request(t, "GET", at+"?filter=userName%20eq%20%22a%27b%22&count=1", nil, ""), opts: Options{Bearer: true},
			want: sent{"GET", at + "?filter=userName%20eq%20%22a%27b%22&count=1", http.Header{"Authorization": {"Bearer $IDCTL_TOKEN"}}, ""},
		},
		{
			name: "Head", req: request(t, "HEAD", at, nil, ""),
			want: sent{"HEAD", at, http.Header{}, ""},
		},
		{
			name: "QuotesInBody", req: request(t, "POST", at, map[string]string{"Content-Type": scimType, "opc-retry-token": "r-1"}, `{"a":"it's $HOME \"x\" `+"`id`"+`"}`),
			want: sent{"POST", at, http.Header{"Content-Type": {scimType}, "Opc-Retry-Token": {"r-1"}}, `{"a":"it's $HOME \"x\" ` + "`id`" + `"}`},
		},
		{
			name: "PatchWithIfMatch", req: request(t, "PATCH", at+"/1", map[string]string{"Content-Type": scimType, "If-Match": `W/"1"`}, "{\n \"b\": 1.50,\n \"a\": [2]\n}"),
			want: sent{"PATCH", at + "/1", http.Header{"Content-Type": {scimType}, "If-Match": {`W/"1"`}}, `{"a":[2],"b":1.50}`},
		},
		{
			name: "NoBody", req: request(t, "POST", at, nil, ""),
			want: sent{"POST", at, http.Header{}, ""},
		},
		{
			name: "Delete", req: request(t, "DELETE", at+"/1", map[string]string{"User-Agent": "idctl/1", "Opc-Request-Id": "7"}, ""),
			want: sent{"DELETE", at + "/1", http.Header{}, ""},
		},
		{
			name: "SecretMembers", req: request(t, "POST", at, map[string]string{"Content-Type": scimType}, `{"password":"`+hush+`","userName":"a"}`),
			want: sent{"POST", at, http.Header{"Content-Type": {scimType}}, `{"password":"` + Masked + `","userName":"a"}`}, remarks: 1,
		},
		{
			name: "SecretStandsTwice", req: request(t, "POST", at, map[string]string{"Content-Type": scimType}, `{"password":"`+hush+`","password":null}`),
			want: sent{"POST", at, http.Header{"Content-Type": {scimType}}, `{"password":null}`},
		},
		{
			name: "SecretPatch", req: request(t, "PATCH", at, map[string]string{"Content-Type": scimType}, `{"Operations":[{"op":"replace","path":"password","value":"`+hush+`"}]}`),
			want: sent{"PATCH", at, http.Header{"Content-Type": {scimType}}, `{"Operations":[{"op":"replace","path":"password","value":"` + Masked + `"}]}`}, remarks: 1,
		},
		{
			name: "SecretQuery", req: request(t, "GET", at+"?token="+hush+"&b=a%20b", nil, ""),
			want: sent{"GET", at + "?b=a%20b&token=%5Bredacted%5D", http.Header{}, ""}, remarks: 1,
		},
		{
			name: "QueryThatCannotBeJudged", req: request(t, "GET", at+"?a=%zz"+hush, nil, ""),
			want: sent{"GET", at + "?" + Masked, http.Header{}, ""}, remarks: 1,
		},
		{
			name: "UnknownHeader", req: request(t, "GET", at, map[string]string{"X-Session": hush, "Cookie": "c=" + hush}, ""),
			want: sent{"GET", at, http.Header{"X-Session": {Masked}, "Cookie": {Masked}}, ""}, remarks: 1,
		},
		{
			name: "KeyHeader", req: request(t, "GET", at, map[string]string{"X-Emulator-Key": hush}, ""),
			opts: Options{Keys: map[string]string{"X-Emulator-Key": "IDCTL_CONTROL_KEY"}},
			want: sent{"GET", at, http.Header{"X-Emulator-Key": {"$IDCTL_CONTROL_KEY"}}, ""},
		},
		{
			name: "TokenOnTheRequest", req: request(t, "GET", at, map[string]string{"Authorization": "Bearer " + hush}, ""),
			want: sent{"GET", at, http.Header{"Authorization": {"Bearer $IDCTL_TOKEN"}}, ""},
		},
		{
			name: "UserAndPassword", req: request(t, "POST", at, map[string]string{"Idempotency-Key": "r-1", "X-Request-Id": "7"}, ""), opts: Options{Basic: "o'neil@example.com"},
			want: sent{"POST", at, http.Header{"Authorization": {"user o'neil@example.com:$IDCTL_PASSWORD"}, "Idempotency-Key": {"r-1"}}, ""},
		},
		{
			name: "OtherAuthorization", req: request(t, "GET", at, map[string]string{"Authorization": "Signature x=" + hush}, ""),
			want: sent{"GET", at, http.Header{"Authorization": {Masked}}, ""},
		},
		{
			name: "TokenRequest",
			req: func() *http.Request {
				r := request(t, "POST", "https://x.example.com/oauth2/v1/token", map[string]string{"Content-Type": formType}, "grant_type=password&password="+hush+"&scope=a+b%3Ac&assertion="+hush)
				r.SetBasicAuth("client 1", hush)
				return r
			}(),
			want: sent{
				"POST", "https://x.example.com/oauth2/v1/token",
				http.Header{"Content-Type": {formType}, "Authorization": {"user client 1:$IDCTL_CLIENT_SECRET"}},
				"assertion=" + url.QueryEscape(Masked) + "&grant_type=password&password=%24IDCTL_PASSWORD&scope=a+b%3Ac",
			}, remarks: 1,
		},
		{
			name: "OtherBody", req: request(t, "POST", at, map[string]string{"Content-Type": "text/csv"}, "name,password\na,"+hush),
			want: sent{"POST", at, http.Header{"Content-Type": {"text/csv"}}, "@FILE"}, remarks: 1,
		},
		{
			name: "NotJSONAfterAll", req: request(t, "POST", at, map[string]string{"Content-Type": scimType}, `{"password":"`+hush),
			want: sent{"POST", at, http.Header{"Content-Type": {scimType}}, "@FILE"}, remarks: 1,
		},
		{
			name: "LargeBody", req: request(t, "POST", at, map[string]string{"Content-Type": scimType}, `"`+strings.Repeat("x", maxBody)+`"`),
			want: sent{"POST", at, http.Header{"Content-Type": {scimType}}, "@FILE"}, remarks: 1,
		},
		{
			name: "Stream",
			req: func() *http.Request {
				r := request(t, "POST", at, nil, "")
				r.Body = io.NopCloser(strings.NewReader(hush))
				return r
			}(),
			want: sent{"POST", at, http.Header{}, "@FILE"}, remarks: 1,
		},
		{
			name: "Brackets", req: request(t, "GET", "http://[::1]:8080/a", nil, ""), opts: Options{CAFile: "/etc/my ca.pem"},
			want: sent{"GET", "http://[::1]:8080/a", http.Header{"Ca": {"/etc/my ca.pem"}}, ""},
		},
		{
			name: "UserInAddress", req: request(t, "GET", "https://u:"+hush+"@x.example.com/a", nil, ""),
			want: sent{"GET", "https://x.example.com/a", http.Header{}, ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line, remarks := Command(tt.req, tt.opts)
			if strings.Contains(line, hush) || strings.Contains(strings.Join(remarks, ""), hush) {
				t.Fatalf("a secret shows: %s", line)
			}
			if strings.ContainsAny(line, "\n\r\x1b") {
				t.Errorf("not one printable line: %q", line)
			}
			if diff := cmp.Diff(tt.want, parse(t, line)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", line, diff)
			}
			if len(remarks) != tt.remarks {
				t.Errorf("remarks %q, want %d", remarks, tt.remarks)
			}
		})
	}
}

func TestEscapeKeepsTheDocument(t *testing.T) {
	doc := "{\"a\":\"x\u009b31m\u202e\U000e0001é\u2028\",\"b\":\"\\u001b\"}"
	got := escape(doc)
	if strings.ContainsAny(got, "\u009b\u202e\u2028\U000e0001") {
		t.Errorf("%q can steer a terminal", got)
	}
	var want, have any
	if err := json.Unmarshal([]byte(doc), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPrinterSaysRemarksOnce(t *testing.T) {
	var out bytes.Buffer
	p := NewPrinter(&out, false)
	first, second := p.Observe(Options{Bearer: true}, "one\x1b[31m\nrm -rf", "two"), p.Observe(Options{}, "two")
	for _, f := range []func(*http.Request){first, second, first} {
		f(request(t, "GET", "https://x.example.com/a", nil, ""))
	}
	want := "# one?[31m?rm -rf\n# two\n" +
		"curl -sS -H \"Authorization: Bearer $IDCTL_TOKEN\" https://x.example.com/a\n" +
		"curl -sS https://x.example.com/a\n" +
		"curl -sS -H \"Authorization: Bearer $IDCTL_TOKEN\" https://x.example.com/a\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPrinterClearsTheLine(t *testing.T) {
	var out bytes.Buffer
	NewPrinter(&out, true).Observe(Options{})(request(t, "GET", "https://x.example.com/a", nil, ""))
	if got, want := out.String(), "\r\x1b[Kcurl -sS https://x.example.com/a\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCurlSendsTheSame runs what is printed, in a real shell with a real curl.
func TestCurlSendsTheSame(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NOT TESTED: %s is not installed, no printed line was run", program)
		}
	}
	got := make(chan sent, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, name := range []string{"User-Agent", "Content-Length", "Accept-Encoding"} {
			r.Header.Del(name)
		}
		got <- sent{r.Method, r.URL.String(), r.Header, string(body)}
	}))
	t.Cleanup(srv.Close)
	json := map[string]string{"Content-Type": scimType, "Accept": scimType, "If-Match": `W/"1"`, "Opc-Retry-Token": "r-1"}
	form := map[string]string{"Content-Type": formType, "Accept": "application/json"}
	for name, req := range map[string]*http.Request{
		"Get":    request(t, "GET", srv.URL+"/Users?filter=a%20eq%20%22%5B%7B%27%5D%7D%22", map[string]string{"Accept": scimType}, ""),
		"Head":   request(t, "HEAD", srv.URL+"/Users", map[string]string{"Accept": scimType}, ""),
		"Post":   request(t, "POST", srv.URL+"/Users", json, `{"a":"it's $HOME \"x\" \\ `+"`id`"+` é !! \n @x"}`),
		"Delete": request(t, "DELETE", srv.URL+"/Users/a%2Fb", map[string]string{"Accept": scimType}, ""),
		"Empty":  request(t, "PUT", srv.URL+"/Users/1", map[string]string{"Accept": scimType}, ""),
		"Form":   request(t, "POST", srv.URL+"/oauth2/v1/token", form, "a=%40x&b=it%27s+%26&scope=urn%3Aopc"),
	} {
		t.Run(name, func(t *testing.T) {
			req.Header.Set("Authorization", "Bearer tok'en")
			resp, err := srv.Client().Do(req.Clone(context.WithoutCancel(t.Context())))
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			want := <-got
			line, _ := Command(req, Options{})
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
				return strings.Contains(strings.ToLower(v), "_proxy=")
			}), "IDCTL_TOKEN=tok'en")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Errorf("%s (-Go +curl):\n%s", line, diff)
			}
		})
	}
}
