package mail

import (
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sample has a value for every placeholder.
func sample(kind, language string) Message {
	return Message{
		ID: "4f2a", To: []string{"ada@example.com"}, Template: kind, Language: language, Created: noon,
		Data: map[string]string{
			"userName": "ada@example.com", "displayName": "Ada Lovelace", "email": "ada.l@example.com",
			"expires": "2026-04-01T08:05:00.000Z", "reason": "5", "changes": "title", "minutes": "61", "uses": "5",
			"job": "UserImport", "count": "12", "failures": "3", "app": "Payroll",
		},
		Secrets: map[string]string{"code": "123456789012"},
		Link:    "http://127.0.0.1:8910/ui/v1/link?token=abc",
		SignIn:  "http://127.0.0.1:8910/ui/v1/signin",
	}
}

func render(t *testing.T, m Message) *Rendered {
	t.Helper()
	r, err := New().Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGolden keeps the words of every kind in every language.
func TestGolden(t *testing.T) {
	for _, l := range Languages() {
		t.Run(l, func(t *testing.T) {
			kinds, err := New().Kinds()
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, kind := range kinds {
				r := render(t, sample(kind, l))
				b.WriteString("=== " + kind + "\nSubject: " + r.Subject + "\n\n" + r.Plain() + "\n")
			}
			html, err := render(t, sample(engine.MailWelcome, l)).HTML()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, l+".txt", b.String())
			golden(t, l+".html", html)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestComplete: every kind in every language, with the same values as in
// English, no sentence left as it was in English, and every value of the sample
// shown somewhere.
func TestComplete(t *testing.T) {
	ts := New()
	kinds, err := ts.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(append(engine.MailKinds(), AdminKinds()...)))
	if d := cmp.Diff(want, kinds); d != "" {
		t.Errorf("kinds (-engine and AdminKinds +templates):\n%s", d)
	}
	placeholders := func(w words) []string {
		all := strings.Join(slices.Concat([]string{w.Subject}, w.Text, w.LinkText, w.After), " ")
		return slices.Sorted(slices.Values(placeholder().FindAllString(all, -1)))
	}
	en, _, err := ts.load("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Languages() {
		l, _, err := ts.load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{l.Language, l.Name, l.Date, l.Greeting, l.GreetingPlain, l.LinkHint, l.CodeLabel, l.Closing} {
			if s == "" {
				t.Errorf("%s: a common text is missing: %+v", name, l)
			}
		}
		if l.Language != name || len(l.Months) != 12 || !strings.Contains(l.Greeting, "{name}") {
			t.Errorf("%s: language %q, %d months, greeting %q", name, l.Language, len(l.Months), l.Greeting)
		}
		if len(l.Mails) != len(en.Mails) {
			t.Errorf("%s has %d kinds, en has %d", name, len(l.Mails), len(en.Mails))
		}
		for kind, e := range en.Mails {
			w, ok := l.Mails[kind]
			if !ok || w.Subject == "" || len(w.Text) == 0 {
				t.Errorf("%s: %s is not complete: %+v", name, kind, w)
				continue
			}
			if d := cmp.Diff(placeholders(e), placeholders(w)); d != "" {
				t.Errorf("%s: %s has other values than en:\n%s", name, kind, d)
			}
			if (e.Action == "") != (w.Action == "") || e.SignIn != w.SignIn || len(e.Text) != len(w.Text) || len(e.After) != len(w.After) {
				t.Errorf("%s: %s is built otherwise than en", name, kind)
			}
			if name != "en" && (w.Subject == e.Subject || w.Text[0] == e.Text[0]) {
				t.Errorf("%s: %s is in English: %q", name, kind, w.Subject)
			}
			if r := render(t, sample(kind, name)); strings.ContainsAny(r.Subject+r.Plain(), "{}") {
				t.Errorf("%s: %s leaves a placeholder:\n%s", name, kind, r.Plain())
			}
		}
	}
}

func TestRenderLeavesOut(t *testing.T) {
	full := sample(engine.MailBypassCode, "en")
	without := func(names ...string) Message {
		m := sample(engine.MailBypassCode, "en")
		for _, n := range names {
			delete(m.Data, n)
		}
		return m
	}
	tests := map[string]struct {
		m         Message
		want, not []string
	}{
		"all":          {full, []string{"Hello Ada Lovelace,", "61 minutes", "this many times: 5", "Your code: 123456789012"}, nil},
		"no expiry":    {without("minutes"), []string{"this many times: 5"}, []string{"minutes"}},
		"no name":      {without("displayName"), []string{"Hello ada@example.com,"}, nil},
		"nobody":       {without("displayName", "userName"), []string{"Hello,\n"}, nil},
		"a path only":  {Message{Template: engine.MailWelcome, Link: "/ui/v1/link?token=x"}, []string{"choose a password"}, []string{"token", "Activate account"}},
		"bad scheme":   {Message{Template: engine.MailWelcome, Link: "javascript:alert(1)"}, nil, []string{"javascript"}},
		"locked":       {Message{Template: engine.MailLocked, Data: full.Data}, []string{"has been locked"}, []string{"choose a new password"}},
		"locked, link": {sample(engine.MailLocked, "en"), []string{"unlocked when you choose a new password", full.Link}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(t, tt.m).Plain()
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing in\n%s", w, got)
				}
			}
			for _, n := range tt.not {
				if strings.Contains(got, n) {
					t.Errorf("%q is in\n%s", n, got)
				}
			}
		})
	}
	if _, err := New().Render(Message{Template: "no-such"}); !errors.Is(err, ErrKind) {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestShow(t *testing.T) {
	ts := New()
	got, err := ts.Show(engine.MailUnlocked, "de-CH")
	if err != nil || got.Language != "de" || got.Action != "Anmelden" || !strings.Contains(got.Text[0], "{userName}") {
		t.Errorf("Show: %+v, %v", got, err)
	}
	if _, err := ts.Show(engine.MailUnlocked, "xx"); !errors.Is(err, ErrLanguage) {
		t.Errorf("an unknown language: %v", err)
	}
	if _, err := ts.Show("x", ""); !errors.Is(err, ErrKind) {
		t.Errorf("an unknown kind: %v", err)
	}
	got.Text[0] = "changed"
	if again, _ := ts.Show(engine.MailUnlocked, "de"); again.Text[0] == "changed" {
		t.Error("Show hands out the template's own slice")
	}
}

func TestMatch(t *testing.T) {
	for list, want := range map[string]string{
		"": "", "de": "de", "de-CH": "de", "fr_FR": "fr", "FR": "fr", "xx": "", "pt, es;q=0.5": "es",
		"it;q=0.3, de;q=0.9, *": "de", "de;q=0": "", "de;q=zz, fr": "fr", "deu": "", "en-GB,en;q=0.9": "en",
		strings.Repeat("x,", 30) + "de": "",
	} {
		if got := Match(list); got != want {
			t.Errorf("Match(%q) = %q, want %q", list, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"  a\r\nBcc: x@example.com\t ": "a Bcc: x@example.com", "a\x00b\x1b[31m": "a b [31m", "\xff": "\uFFFD",
		"left\u202eright": "leftright", "\u2028": "", "👩\u200d💻": "👩\u200d💻", strings.Repeat("é", 300): strings.Repeat("é", 199) + "…",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// hostile are values that would do harm where they are not escaped or cleaned.
func hostile() []string {
	return []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "a\r\nBcc: eve@example.com\r\n\r\n<b>", "{link}", "</title></style>", "=?utf-8?q?x?=",
		"a\nb", "\u202egnp.exe", "]]>", "'", "&lt;", "=\r\n--boundary",
	}
}

func FuzzRender(f *testing.F) {
	for i, v := range hostile() {
		for kind := range uint(30) {
			f.Add(v, Languages()[i%len(Languages())], kind)
		}
	}
	ts := New()
	tags := regexp.MustCompile(`<[^>]*>`)
	kinds, err := ts.Kinds()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value, language string, n uint) {
		kind := kinds[n%uint(len(kinds))]
		m := sample(kind, language)
		plainHTML, err := render(t, m).HTML()
		if err != nil {
			t.Fatal(err)
		}
		for name := range m.Data {
			m.Data[name] = value
		}
		m.Secrets["code"] = value
		r, err := ts.Render(m)
		if err != nil {
			t.Fatal(err)
		}
		html, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		// A value adds no tag. One that is empty takes its sentence along.
		if before, after := tags.FindAllString(plainHTML, -1), tags.FindAllString(html, -1); len(after) > len(before) {
			t.Errorf("%s: %d tags, %d with %q", kind, len(before), len(after), value)
		}
		data, err := r.MIME(m.ID, "no-reply@example.com", m.To, m.Created)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Header) != 9 {
			t.Errorf("%s: %d headers with %q: %v", kind, len(got.Header), value, got.Header)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || strings.IndexFunc(subject, unicode.IsControl) >= 0 {
			t.Errorf("%s: subject %q, %v", kind, subject, err)
		}
	})
}

func TestMIME(t *testing.T) {
	r := render(t, sample(engine.MailWelcome, "fr"))
	to := []string{"ada@example.com", "grace@example.com"}
	data, err := r.MIME("4f2a", "no-reply@example.com", to, noon)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.MIME("4f2a", "no-reply@example.com", to, noon)
	if err != nil || string(again) != string(data) {
		t.Errorf("not the same bytes again, %v", err)
	}
	for i, line := range strings.Split(string(data), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") || strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
			t.Errorf("line %d is not one of mail: %q", i+1, line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := m.Header.AddressList("To"); err != nil || len(list) != 2 {
		t.Errorf("To: %v, %v", list, err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var got []string
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	html, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{r.Plain(), html}, got); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}

func TestAddress(t *testing.T) {
	for in, ok := range map[string]bool{
		"ada@example.com": true, "jörg@example.com": true, "": false, "Ada <ada@example.com>": false, "a@b, c@d": false,
		"ada@example.com\r\nBcc: eve@example.com": false, "<script>@example.com": false, "ada": false, `"a b"@example.com`: true,
	} {
		if _, err := Address(in); (err == nil) != ok || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("Address(%q): %v", in, err)
		}
	}
	r := render(t, sample(engine.MailWelcome, "en"))
	for _, to := range []string{"ada@example.com\nBcc: eve@example.com", "nobody"} {
		if _, err := r.MIME("1", "a@example.com", []string{to}, noon); !errors.Is(err, ErrAddress) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	if _, err := r.MIME("1", "me", nil, noon); !errors.Is(err, ErrAddress) {
		t.Errorf("from me: %v", err)
	}
}
