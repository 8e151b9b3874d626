// Package mail makes the messages that the emulator sends: subject, plain text
// and HTML of every kind of notification in several languages, and delivers
// them by SMTP.
//
// The sentences are data, one file per language. It knows nothing of users and
// resources: its callers hand it a Message with the values that the sentences
// show. Values come from anybody; they are cleaned, and escaped where they are
// shown.
package mail

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrKind: there is no template of this name; ErrLanguage: there are none in
// this language. To be tested with errors.Is.
var (
	ErrKind     = errors.New("mail: no such kind of message")
	ErrLanguage = errors.New("mail: no templates in this language")
)

// Fallback is the language of those who understand none of Languages.
const Fallback = "en"

//go:embed languages/*.json layout.html
var files embed.FS

// Languages lists the languages that there are templates in, Fallback first.
func Languages() []string { return []string{"en", "de", "fr", "it", "es"} }

// AdminKinds lists the kinds of message that go to administrators. Those to
// users are the mail kinds of package engine.
func AdminKinds() []string {
	return []string{"job-started", "job-cancelled", "job-completed", "job-failed", "sync-summary", "quota-exceeded"}
}

// Message is what is to be sent: the template and the values in it.
type Message struct {
	ID       string
	To       []string
	Template string
	// Language is a tag such as de-CH, or a list in the form of the header
	// Accept-Language, as preferredLanguage is (RFC 7643 section 4.1.1).
	Language string
	Created  time.Time
	// Data and Secrets are the values for the sentences; the sentence of a
	// value that is absent is left out. The time in expires, in RFC 3339, is
	// written in words.
	Data    map[string]string
	Secrets map[string]string
	// Link is where the button leads, SignIn the sign-in page, which the button
	// of some kinds leads to; both with scheme and host.
	Link   string
	SignIn string
}

// Rendered is a message in words.
type Rendered struct {
	Language  string
	Subject   string
	Greeting  string
	Text      []string
	CodeLabel string
	Code      string
	Action    string // the words of the button; empty without one
	Link      string
	LinkHint  string
	After     []string
	Closing   string

	layout *template.Template
}

// language is one file of sentences.
type language struct {
	Language      string           `json:"language"`
	Name          string           `json:"name"`
	Months        []string         `json:"months"`
	Date          string           `json:"date"`
	First         string           `json:"first"` // the first day of a month, where it has a form of its own
	Greeting      string           `json:"greeting"`
	GreetingPlain string           `json:"greetingPlain"`
	LinkHint      string           `json:"linkHint"`
	CodeLabel     string           `json:"codeLabel"`
	Closing       string           `json:"closing"`
	Mails         map[string]words `json:"mails"`
}

// words are the sentences of one kind of message.
type words struct {
	Subject string   `json:"subject"`
	Code    bool     `json:"code"` // the secret value code is shown
	Text    []string `json:"text"`
	// LinkText stands before the button, and goes with it.
	LinkText []string `json:"linkText"`
	Action   string   `json:"action"`
	// SignIn says that the button leads to the sign-in page, not to Link.
	SignIn bool     `json:"signIn"`
	After  []string `json:"after"`
}

// Templates renders messages. A language is read when it is first needed. It is
// safe for concurrent use.
type Templates struct {
	mu        sync.Mutex
	languages map[string]*language
	layout    *template.Template
}

// New makes Templates; it reads nothing yet.
func New() *Templates { return &Templates{languages: map[string]*language{}} }

// load answers a language and the layout of HTML.
func (t *Templates) load(name string) (*language, *template.Template, error) {
	if !slices.Contains(Languages(), name) {
		return nil, nil, fmt.Errorf("%w: %q; there are %s", ErrLanguage, name, strings.Join(Languages(), ", "))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.layout == nil {
		layout, err := template.ParseFS(files, "layout.html")
		if err != nil {
			return nil, nil, fmt.Errorf("mail: layout: %w", err)
		}
		t.layout = layout
	}
	if l := t.languages[name]; l != nil {
		return l, t.layout, nil
	}
	data, err := files.ReadFile("languages/" + name + ".json")
	if err != nil {
		return nil, nil, fmt.Errorf("mail: language %s: %w", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var l language
	if err := dec.Decode(&l); err != nil {
		return nil, nil, fmt.Errorf("mail: language %s: %w", name, err)
	}
	t.languages[name] = &l
	return &l, t.layout, nil
}

// Kinds lists the kinds of message, sorted.
func (t *Templates) Kinds() ([]string, error) {
	l, _, err := t.load(Fallback)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(l.Mails)), nil
}

// Template is a template as an administrator sees it, with its placeholders.
type Template struct {
	Kind     string   `json:"kind"`
	Language string   `json:"language"`
	Subject  string   `json:"subject"`
	Greeting string   `json:"greeting"`
	Text     []string `json:"text"`
	Action   string   `json:"action,omitempty"`
	After    []string `json:"after,omitempty"`
	Closing  string   `json:"closing"`
}

// Show answers the template of a kind in a language; an empty language is
// Fallback, and de-CH is answered by de. It is ErrKind or ErrLanguage.
func (t *Templates) Show(kind, tag string) (Template, error) {
	name := Fallback
	if tag != "" {
		if name = Match(tag); name == "" {
			name = tag // load refuses it
		}
	}
	l, _, err := t.load(name)
	if err != nil {
		return Template{}, err
	}
	w, ok := l.Mails[kind]
	if !ok {
		return Template{}, fmt.Errorf("%w: %q", ErrKind, kind)
	}
	return Template{
		Kind: kind, Language: l.Language, Subject: w.Subject, Greeting: l.Greeting, Text: slices.Concat(w.Text, w.LinkText),
		Action: w.Action, After: slices.Clone(w.After), Closing: l.Closing,
	}, nil
}

// Render puts a message into words.
func (t *Templates) Render(m Message) (*Rendered, error) {
	name := Match(m.Language)
	if name == "" {
		name = Fallback
	}
	l, layout, err := t.load(name)
	if err != nil {
		return nil, err
	}
	w, ok := l.Mails[m.Template]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrKind, m.Template)
	}
	v := valuesOf(l, m)
	r := &Rendered{
		Language: l.Language, Text: v.fillAll(w.Text), After: v.fillAll(w.After), Closing: l.Closing,
		Greeting: l.GreetingPlain, layout: layout,
	}
	if s, ok := v.fill(l.Greeting); ok {
		r.Greeting = s
	}
	if r.Subject, ok = v.fill(w.Subject); !ok {
		// Only subjects of administrators' messages hold a value; without it
		// the kind says enough.
		r.Subject = m.Template
	}
	if w.Code && v["code"] != "" {
		r.Code, r.CodeLabel = v["code"], l.CodeLabel
	}
	link := m.Link
	if w.SignIn {
		link = m.SignIn
	}
	if w.Action != "" && webAddress(link) {
		r.Action, r.Link, r.LinkHint = w.Action, link, l.LinkHint
		r.Text = append(r.Text, v.fillAll(w.LinkText)...)
	}
	return r, nil
}

// webAddress says whether a link may be shown: a path that lost its host, or
// another scheme, would lead nowhere or to harm.
func webAddress(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Plain is the message as plain text.
func (r *Rendered) Plain() string {
	var b strings.Builder
	b.WriteString(r.Greeting + "\n")
	write := func(lines []string) {
		for _, s := range lines {
			b.WriteString("\n" + s + "\n")
		}
	}
	write(r.Text)
	if r.Code != "" {
		b.WriteString("\n" + r.CodeLabel + " " + r.Code + "\n")
	}
	if r.Action != "" {
		b.WriteString("\n" + r.Action + ":\n" + r.Link + "\n")
	}
	write(r.After)
	b.WriteString("\n-- \n" + r.Closing + "\n")
	return b.String()
}

// HTML is the message as a whole HTML document without scripts.
func (r *Rendered) HTML() (string, error) {
	var b strings.Builder
	if err := r.layout.Execute(&b, r); err != nil {
		return "", fmt.Errorf("mail: render: %w", err)
	}
	return b.String(), nil
}
