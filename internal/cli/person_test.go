package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// personCommands are what a script does in the place of a person with a
// browser, or of an app that signs a person in. What the service answered is
// their standard output.
//
//	redeem STATUS FILE [PASSWORD]     open the link in a file and choose a password
//	signin STATUS USER PASSWORD       sign in on the page of the service
//	oauth STATUS PATH KEY=VALUE...    send a form below /oauth2/v1 with the client's
//	                                  credentials; @FILE:MEMBER is a member of a JSON file
//	social USER ACCOUNT...            the user links accounts elsewhere
func personCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){"redeem": redeem, "signin": signIn, "oauth": oauthForm, "social": linkSocial}
}

// hidden are the fields that a form carries for its page.
var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// submit opens a page and sends its form, the way a browser does. The status
// is that of the page which is shown in the end.
func submit(ts *testscript.TestScript, page, target string, fields map[string]string) (int, []byte) {
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar}
	resp, err := client.Get(page) //nolint:noctx // a script has no context
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }() // only read
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, body
	}
	form := url.Values{}
	for _, m := range hidden.FindAllSubmatch(body, -1) {
		form.Set(html.UnescapeString(string(m[1])), html.UnescapeString(string(m[2])))
	}
	if len(form) == 0 {
		ts.Fatalf("the page has no form:\n%s", body)
	}
	for name, v := range fields {
		form.Set(name, v)
	}
	sent, err := client.PostForm(target, form) //nolint:noctx // likewise
	ts.Check(err)
	defer func() { _ = sent.Body.Close() }() // only read
	body, err = io.ReadAll(sent.Body)
	ts.Check(err)
	return sent.StatusCode, body
}

// answers prints an answer and compares its status.
func answers(ts *testscript.TestScript, want string, status int, body []byte) {
	_, err := fmt.Fprintf(ts.Stdout(), "%s\n", bytes.TrimSpace(body))
	ts.Check(err)
	n, err := strconv.Atoi(want)
	ts.Check(err)
	if status != n {
		ts.Fatalf("answered %d, want %d:\n%s", status, n, body)
	}
}

func redeem(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: redeem STATUS FILE [PASSWORD]")
	}
	link := strings.TrimSpace(ts.ReadFile(args[1]))
	u, err := url.Parse(link)
	ts.Check(err)
	if u.Query().Get("token") == "" {
		ts.Fatalf("%s holds no link", args[1])
	}
	target := *u
	target.RawQuery = ""
	password := strings.Join(args[2:], "")
	status, body := submit(ts, link, target.String(), map[string]string{"newPassword": password, "repeatPassword": password})
	answers(ts, args[0], status, body)
}

func signIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: signin STATUS USER PASSWORD")
	}
	page := running(ts).URL + "/ui/v1/signin"
	status, body := submit(ts, page, page, map[string]string{"userName": args[1], "password": args[2]})
	answers(ts, args[0], status, body)
}

func oauthForm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: oauth STATUS PATH KEY=VALUE...")
	}
	srv, form := running(ts), url.Values{}
	for _, a := range args[2:] {
		key, v, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("oauth: what is %q", a)
		}
		if from, ok := strings.CutPrefix(v, "@"); ok {
			file, member, _ := strings.Cut(from, ":")
			var doc map[string]any
			ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &doc))
			if v, _ = doc[member].(string); v == "" {
				ts.Fatalf("%s has no %s", file, member)
			}
		}
		form.Set(key, v)
	}
	req, err := http.NewRequest(http.MethodPost, srv.URL+"/oauth2/v1/"+args[1], strings.NewReader(form.Encode())) //nolint:noctx // likewise
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(srv.ClientID, srv.ClientSecret)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }() // only read
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	answers(ts, args[0], resp.StatusCode, body)
}

// linkSocial puts a front before the running service, at which a user has
// accounts elsewhere: the emulator has none, and a domain keeps them in a
// resource that is published nowhere but in the references of users. What is
// deleted by its reference is gone.
func linkSocial(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: social USER ACCOUNT...")
	}
	const (
		path = "/admin/v1/SocialAccounts/"
		urn  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:socialAccount:User"
	)
	back, err := url.Parse(running(ts).URL)
	ts.Check(err)
	var mu sync.Mutex
	linked := slices.Clone(args[1:])
	add := func(base string, doc map[string]any) {
		if doc["userName"] != any(args[0]) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var list []any
		for _, name := range linked {
			list = append(list, map[string]any{"value": name, "display": name, "$ref": base + path + name})
		}
		doc[urn] = map[string]any{"socialAccounts": list}
	}
	var front *httptest.Server
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(back); r.Out.Header.Del("Accept-Encoding") },
		ModifyResponse: func(resp *http.Response) error {
			if !strings.HasPrefix(resp.Request.URL.Path, "/admin/v1/Users") || resp.StatusCode != http.StatusOK {
				return nil
			}
			var doc map[string]any
			if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
				return err
			}
			add(front.URL, doc)
			list, _ := doc["Resources"].([]any)
			for _, x := range list {
				if m, ok := x.(map[string]any); ok {
					add(front.URL, m)
				}
			}
			data, err := json.Marshal(doc)
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
			resp.Header.Set("Content-Length", strconv.Itoa(len(data)))
			return err
		},
	}
	// The proxy needs to know its own address before the first request.
	front = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ours := strings.CutPrefix(r.URL.Path, path)
		if !ours || r.Method != http.MethodDelete {
			proxy.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		i := slices.Index(linked, name)
		if i < 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		linked = slices.Delete(linked, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}))
	front.Start()
	ts.Defer(front.Close)
	ts.Setenv("IDCTL_URL", front.URL)
}
