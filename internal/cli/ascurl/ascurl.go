// Package ascurl prints requests as curl commands, for --as-curl: what is sent
// can be read, kept, handed to somebody and sent again without idctl. Secrets
// stand there as names of variables, or masked; a header that it does not know
// is masked too.
//
// It prints for POSIX shells and sends nothing.
package ascurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/transport"
)

// Masked stands for a secret that no variable holds, as transport.Redact
// writes it.
const Masked = "[redacted]"

// maxBody bounds what is printed of a body, as the service bounds a request.
const maxBody = 1 << 20

// Options say what a request itself does not.
type Options struct {
	// Bearer says that an access token is added on the way, Basic that the
	// name of a user is, with the password.
	Bearer bool
	Basic  string
	// CAFile is the file of certificate authorities to trust as well.
	CAFile string
	// Keys are headers that carry a secret, with the variable for each.
	Keys map[string]string
}

// Printer prints each request on a line of its own. It is safe for concurrent
// use.
type Printer struct {
	mu    sync.Mutex
	out   io.Writer
	begin string
	said  map[string]bool
}

// NewPrinter makes a printer. On a terminal it clears the line that a progress
// bar may have left there.
func NewPrinter(out io.Writer, terminal bool) *Printer {
	p := &Printer{out: out, said: map[string]bool{}}
	if terminal {
		p.begin = "\r\x1b[K"
	}
	return p
}

// Observe answers what transport.Options.Observe takes. Each remark is printed
// once, before the first request.
func (p *Printer) Observe(o Options, remarks ...string) func(*http.Request) {
	return func(req *http.Request) {
		line, more := Command(req, o)
		p.mu.Lock()
		defer p.mu.Unlock()
		var b strings.Builder
		b.WriteString(p.begin)
		for _, r := range slices.Concat(remarks, more) {
			if !p.said[r] {
				p.said[r] = true
				b.WriteString("# " + printable(r) + "\n")
			}
		}
		b.WriteString(line + "\n")
		// Whoever cannot be shown the request still wants it to be sent.
		_, _ = io.WriteString(p.out, b.String())
	}
}

// shown are the headers whose values are printed. Opc-Retry-Token and
// Idempotency-Key are no secrets: they only tell two requests apart.
var shown = []string{
	"Accept", "Accept-Language", "Content-Type", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	"Idempotency-Key", "Opc-Retry-Token", "Prefer", "Range", "X-Resource-Identity-Domain-Name",
}

// left are headers that say nothing about the request, or that curl writes.
var left = []string{"User-Agent", "Opc-Request-Id", "X-Request-Id", "Content-Length", "Accept-Encoding", "Authorization"}

// Command is a request as a command of a POSIX shell, and remarks on what it
// leaves out. It reads the body through GetBody.
func Command(req *http.Request, o Options) (line string, remarks []string) {
	words := []string{"curl", "-sS"}
	add := func(option, value string) { words = append(words, option, quote(value)) }
	address, masked := address(req.URL)
	if strings.ContainsAny(address, "[]{}") {
		words = append(words, "-g") // or curl takes them for patterns
	}
	if o.CAFile != "" {
		add("--cacert", o.CAFile)
	}
	data, has := body(req)
	switch {
	case req.Method == http.MethodHead:
		words = append(words, "-I")
	case req.Method != "" && req.Method != http.MethodGet:
		add("-X", req.Method)
	}
	if auth := authorization(req, o); auth != nil {
		words = append(words, auth...)
	}
	header, hidden := headers(req, o)
	words, masked = append(words, header...), masked || hidden
	switch {
	case has:
		d := printBody(req.Header.Get("Content-Type"), data)
		words, masked = append(words, d.words...), masked || d.masked
		if d.remark != "" {
			remarks = append(remarks, d.remark)
		}
	case req.Body != nil && req.Body != http.NoBody:
		words = append(words, "--data-binary", "@FILE")
		remarks = append(remarks, "FILE stands for a body that is sent as it is read")
	case req.Method == http.MethodPost, req.Method == http.MethodPut, req.Method == http.MethodPatch:
		words = append(words, "-d", "''", "-H", "'Content-Type:'") // no body, and no type of one
	}
	if masked {
		remarks = append(remarks, Masked+" stands for a secret, put it in by hand")
	}
	return strings.Join(append(words, quote(address)), " "), remarks
}

// address is the URL with secrets in its query masked.
func address(u *url.URL) (text string, masked bool) {
	plain := *u
	plain.User = nil
	form, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil:
		plain.RawQuery, masked = Masked, true // it cannot be judged
	case u.RawQuery != "":
		if safe := transport.Redact(formType, []byte(u.RawQuery)); safe != form.Encode() {
			plain.RawQuery, masked = strings.ReplaceAll(safe, "+", "%20"), true
		}
	}
	return plain.String(), masked
}

// authorization is the word for who asks.
func authorization(req *http.Request, o Options) []string {
	have := req.Header.Get("Authorization")
	switch {
	case have == "" && o.Basic != "":
		return []string{"-u", quote(printable(o.Basic)+":") + `"$IDCTL_PASSWORD"`}
	case have == "" && o.Bearer:
		return []string{"-H", `"Authorization: Bearer $IDCTL_TOKEN"`}
	case have == "":
		return nil
	}
	kind, rest, _ := strings.Cut(have, " ")
	switch strings.ToLower(kind) {
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if id, _, ok := strings.Cut(string(plain), ":"); err == nil && ok {
			return []string{"-u", quote(printable(id)+":") + `"$IDCTL_CLIENT_SECRET"`}
		}
	case "bearer":
		return []string{"-H", `"Authorization: Bearer $IDCTL_TOKEN"`}
	}
	return []string{"-H", quote("Authorization: " + Masked)}
}

// headers are the others, sorted. One that is not known is masked.
func headers(req *http.Request, o Options) (words []string, masked bool) {
	names := make([]string, 0, len(req.Header))
	for name := range req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		canonical := http.CanonicalHeaderKey(name)
		for _, value := range req.Header[name] {
			switch {
			case slices.Contains(left, canonical):
			case o.Keys[canonical] != "":
				words = append(words, "-H", quote(name+": ")+`"$`+o.Keys[canonical]+`"`)
			case slices.Contains(shown, canonical) && printable(value) == value:
				words = append(words, "-H", quote(name+": "+value))
			default:
				words, masked = append(words, "-H", quote(printable(name)+": "+Masked)), true
			}
		}
	}
	return words, masked
}

// body is a copy of the body that is in memory.
func body(req *http.Request) ([]byte, bool) {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody == nil {
		return nil, false
	}
	r, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return data, err == nil && len(data) > 0
}

const formType = "application/x-www-form-urlencoded"

type printed struct {
	words  []string
	masked bool
	remark string
}

// printBody is the option for a body.
func printBody(contentType string, data []byte) printed {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = "unknown type"
	}
	notShown := printed{
		words:  []string{"--data-binary", "@FILE"},
		remark: fmt.Sprintf("FILE stands for a body of %s that is not shown", printable(media)),
	}
	if len(data) > maxBody {
		return notShown
	}
	if media == formType {
		if p, ok := printForm(data); ok {
			return p
		}
		return notShown
	}
	plain, ok := reencode(data)
	if !ok {
		return notShown
	}
	// What was judged is what is printed, not the bytes that were sent: of a
	// member that stands there twice, nobody looked at the first.
	safe := transport.Redact("application/json", data)
	return printed{words: []string{"--data-raw", quote(escape(safe))}, masked: safe != plain}
}

// printForm writes a form field by field. The fields that a profile's secrets
// are sent in are named by the variable for each.
func printForm(data []byte) (printed, bool) {
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return printed{}, false
	}
	variables := map[string]string{ //nolint:gosec // names of variables
		"password": "IDCTL_PASSWORD", "client_secret": "IDCTL_CLIENT_SECRET", "token": "IDCTL_TOKEN",
	}
	var p printed
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			key, one := url.QueryEscape(name)+"=", url.Values{name: {value}}.Encode()
			word := quote(key + value)
			if transport.Redact(formType, []byte(one)) != one || printable(value) != value {
				word = quote(key + Masked)
				if v := variables[name]; v != "" {
					word = quote(key) + `"$` + v + `"`
				} else {
					p.masked = true
				}
			}
			p.words = append(p.words, "--data-urlencode", word)
		}
	}
	return p, true
}

// reencode writes JSON on one line, as transport.Redact does.
func reencode(data []byte) (string, bool) {
	if !json.Valid(data) || !utf8.Valid(data) {
		return "", false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return "", false
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "", false
	}
	return strings.TrimSuffix(out.String(), "\n"), true
}

// escape writes the characters of JSON that could steer a terminal as \u
// escapes. They stand in strings only, so the document is the same.
func escape(document string) string {
	if strings.IndexFunc(document, steers) < 0 {
		return document
	}
	var b strings.Builder
	for _, r := range document {
		switch {
		case !steers(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func steers(r rune) bool { return !unicode.IsPrint(r) }

// printable takes out what could steer a terminal or break out of a comment.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return '?'
		}
		return r
	}, s)
}

// quote makes one word of a POSIX shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
