package mapping

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
)

// value is what a cell says.
type value struct {
	text  string
	state cellState
	flag  bool
}

type cellState uint8

const (
	absent  cellState = iota // the cell is empty
	refused                  // the cell has a problem
	set
	cleared // the cell is empty and that means something
)

// any is the value as JSON has it.
func (v value) any(k Kind) any {
	if k == Bool {
		return v.flag
	}
	return v.text
}

// Codes of problems, beside those of csvio and of the runner.
const (
	CodeMissingKey   = "missing-key"
	CodeRequired     = "required"
	CodeDuplicate    = "duplicate-key"
	CodeTooShort     = "too-short"
	CodeTooLong      = "too-long"
	CodeBlanks       = "blanks"
	CodeControl      = "control-character"
	CodeEmail        = "bad-email"
	CodePhone        = "bad-phone"
	CodeBool         = "bad-boolean"
	CodeUserType     = "bad-user-type"
	CodePrimary      = "bad-primary"
	CodePrimaryEmpty = "primary-empty"
	CodeLanguage     = "bad-language"
	CodeZone         = "bad-time-zone"
	CodeURL          = "bad-url"
	CodeSelf         = "own-manager"
)

// longText is where a text becomes longer than any string attribute that the
// service documents.
const longText = 4000

// checker collects the problems of one cell.
type checker struct {
	b    *binding
	list []transfer.Problem
}

func (c *checker) add(warning bool, code, format string, args ...any) {
	c.list = append(c.list, transfer.Problem{
		Column: c.b.header, Attribute: c.b.col.Path, Code: code,
		Message: fmt.Sprintf(format, args...), Warning: warning,
	})
}

// parseCell reads a cell. A value comes back only where no problem forbids it.
// Messages never repeat the cell of a password.
func (p *plan) parseCell(b *binding, cell string) (value, []transfer.Problem) {
	c := &checker{b: b}
	text := cell
	exact := b.col.WriteOnly && b.col.Kind == Text
	trimmed := cell
	bare := isBare(cell) // as most cells are
	if !bare {
		if !exact {
			text = strings.TrimSpace(text)
		}
		text = csvio.Unguard(text)
		trimmed = strings.TrimSpace(text)
	}
	if trimmed == "" && (!exact || text == "") {
		if p.opts.ClearEmpty && !b.col.CreateOnly && !b.col.ServiceDefault {
			return value{state: cleared}, nil
		}
		return value{}, nil
	}
	v := value{state: set, text: text}
	oneLine := b.col.Path == keyPath(p.typ)
	switch b.col.Kind {
	case Text:
		if b.col.Path == keyPath(p.typ) {
			v.text = trimmed
		} else if !exact && !bare {
			v.text = csvio.Unguard(cell)
			if v.text != strings.TrimSpace(v.text) {
				c.add(true, CodeBlanks, "blanks around the text are kept")
			}
		}
	case Members:
		v.text = trimmed
		if nobody(trimmed) {
			return value{}, nil
		}
	default:
		v.text = trimmed
		oneLine = b.col.Kind != URL
	}
	checkControl(c, v.text, oneLine)
	if len(v.text) > longText && b.col.Kind == Text {
		c.add(true, CodeTooLong, "text of %d bytes is longer than the %d that the service stores", len(v.text), longText)
	}
	p.checkKind(c, &v)
	if slices.ContainsFunc(c.list, func(p transfer.Problem) bool { return !p.Warning }) {
		return value{state: refused}, c.list
	}
	return v, c.list
}

func (p *plan) checkKind(c *checker, v *value) {
	switch c.b.col.Kind {
	case Text:
		if c.b.col.Path == keyPath(p.typ) {
			least := 3
			if p.typ == Group {
				least = 5
			}
			if n := utf8.RuneCountInString(v.text); n < least {
				c.add(true, CodeTooShort, "%q has %d characters; the service asks for at least %d", v.text, n, least)
			}
		}
	case Bool:
		flag, ok := parseBool(v.text)
		if !ok {
			c.add(false, CodeBool, "%q is neither true nor false", shorten(v.text))
		}
		v.flag = flag
	case Email:
		if code, msg := emailFault(v.text); code != "" {
			c.add(false, code, "%q %s", shorten(v.text), msg)
		}
	case Phone:
		if !plausiblePhone(v.text) {
			c.add(true, CodePhone, "%q does not look like a phone number; the service expects RFC 3966, such as +49-30-1234567", shorten(v.text))
		}
	case Category:
		i := slices.IndexFunc(userTypes(), func(t string) bool { return strings.EqualFold(t, v.text) })
		if i < 0 {
			c.add(false, CodeUserType, "%q is none of %s", shorten(v.text), strings.Join(userTypes(), ", "))
		} else {
			v.text = userTypes()[i]
		}
	case Language:
		if !languageTag(v.text) {
			c.add(true, CodeLanguage, "%q does not look like a language, such as en-GB", shorten(v.text))
		}
	case Zone:
		if !zoneName(v.text) {
			c.add(true, CodeZone, "%q does not look like a time zone, such as Europe/Berlin", shorten(v.text))
		}
	case URL:
		if u, err := url.Parse(v.text); err != nil || u.Scheme == "" {
			c.add(true, CodeURL, "%q is not an absolute URL", shorten(v.text))
		}
	case Selector:
		v.text = strings.ToLower(v.text)
		if types := selectable(c.b.target.name); !slices.Contains(types, v.text) {
			c.add(false, CodePrimary, "%q is none of %s", shorten(v.text), strings.Join(types, ", "))
		}
	}
}

// selectable lists the types that may be primary.
func selectable(attr string) []string {
	switch attr {
	case "emails":
		return []string{"work", "home", "other"}
	case "phoneNumbers":
		return []string{"work", "mobile", "home", "fax", "pager", "other"}
	default:
		return []string{"work", "home", "other"}
	}
}

func checkControl(c *checker, text string, oneLine bool) {
	if !mayControl(text) {
		return
	}
	for _, r := range text {
		if unicode.IsControl(r) && (oneLine || r != '\t' && r != '\n' && r != '\r') {
			c.add(false, CodeControl, "control character U+%04X", r)
			return
		}
	}
}

// isBare says that a cell is a text without blanks or quotes around it.
func isBare(cell string) bool {
	if cell == "" {
		return false
	}
	first, last := cell[0], cell[len(cell)-1]
	return first > ' ' && first < 0x7f && first != '\'' && last > ' ' && last < 0x7f
}

// mayControl is false for a text that certainly has no control character: those
// outside ASCII begin with the byte C2.
func mayControl(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == 0x7f || c == 0xc2 {
			return true
		}
	}
	return false
}

// shorten keeps a message readable whatever a cell holds.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= 80 {
		return s
	}
	return string([]rune(s)[:77]) + "..."
}

func parseBool(s string) (v, ok bool) {
	switch strings.ToLower(s) {
	case "true", "t", "yes", "y", "1", "on":
		return true, true
	case "false", "f", "no", "n", "0", "off":
		return false, true
	}
	return false, false
}

// nobody says that a list of user names names none.
func nobody(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r != ';' && !unicode.IsSpace(r) }) < 0
}

// splitMembers reads a list of user names, each once.
func splitMembers(s string) []string {
	var out []string
	seen := map[string]bool{}
	for m := range strings.SplitSeq(s, ";") {
		m = strings.TrimSpace(m)
		if f := FoldKey(m); f != "" && !seen[f] {
			seen[f] = true
			out = append(out, m)
		}
	}
	return out
}

// emailFault says what is wrong with an address, if anything is. The lengths
// are those of RFC 5321.
func emailFault(s string) (code, msg string) {
	at := strings.LastIndexByte(s, '@')
	switch {
	case at < 0:
		return CodeEmail, "is not an e-mail address: it has no @"
	case len(s) > 254:
		return CodeTooLong, fmt.Sprintf("is %d bytes long, an e-mail address has at most 254", len(s))
	case at > 64:
		return CodeTooLong, "has more than 64 bytes before the @"
	}
	if usualAddress(s, at) {
		return "", ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return CodeEmail, "is not an e-mail address"
	}
	for label := range strings.SplitSeq(s[at+1:], ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return CodeEmail, "is not an e-mail address: its host name is wrong"
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return CodeEmail, "is not an e-mail address: its host name is wrong"
			}
		}
	}
	return "", ""
}

// usualAddress says that an address, whose last @ is at, is of the form that
// nearly all have, without anything that needs a parser: words with dots
// between them, and a host name of letters, digits and hyphens.
func usualAddress(s string, at int) bool {
	word := 0 // length of the current one
	for i := range at {
		switch c := s[i]; {
		case c == '.':
			if word == 0 {
				return false
			}
			word = 0
		case letterOrDigit(c), c == '-', c == '_', c == '+':
			word++
		default:
			return false
		}
	}
	if word == 0 {
		return false
	}
	word = 0
	for i := at + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if word == 0 || s[i-1] == '-' {
				return false
			}
			word = 0
		case letterOrDigit(c), c == '-' && word > 0:
			if word++; word > 63 {
				return false
			}
		default:
			return false
		}
	}
	return word > 0 && s[len(s)-1] != '-'
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// foldPhone leaves what makes two phone numbers different: the service may
// store one in the form of RFC 3966, or without the dots and blanks.
func foldPhone(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "tel:")
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '(', ')', '/', '\u00a0', '\u2011', '\u2013':
			return -1
		}
		return r
	}, s)
}

func plausiblePhone(s string) bool {
	if usualPhone(s) {
		return true
	}
	number, _, _ := strings.Cut(foldPhone(s), ";")
	number, _, _ = strings.Cut(number, "ext")
	number, _, _ = strings.Cut(number, "x")
	number = strings.TrimPrefix(number, "+")
	if len(number) < 3 || len(number) > 20 {
		return false
	}
	return strings.Trim(number, "0123456789*#") == ""
}

// usualPhone says that a number is written in digits and separators alone.
func usualPhone(s string) bool {
	digits := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == ' ', c == '-', c == '.', c == '(', c == ')', c == '/', c == '+' && i == 0:
		default:
			return false
		}
	}
	return digits >= 3 && digits <= 20
}

// languageTag accepts what BCP 47 allows, and the underscore of Java.
func languageTag(s string) bool {
	if len(s) > 35 {
		return false
	}
	part, size := 0, 0
	for i := range len(s) + 1 {
		if i < len(s) && s[i] != '-' && s[i] != '_' {
			c := s[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if size++; size > 8 || !letter && (part == 0 || c < '0' || c > '9') {
				return false
			}
			continue
		}
		if size == 0 {
			continue // two separators count as one
		}
		if part == 0 && size < 2 {
			return false
		}
		part, size = part+1, 0
	}
	return part > 0
}

func zoneName(s string) bool {
	size := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/' && size > 0:
			size = 0
		case letterOrDigit(c), c == '_', c == '+', c == '-':
			size++
		default:
			return false
		}
	}
	return size > 0
}
