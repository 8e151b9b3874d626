package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/emulator/mail"
)

//go:embed languages/*.json templates/*.html style.css
var files embed.FS

// texts are the words and templates of the pages, read when they are first
// needed.
type texts struct {
	mu        sync.Mutex
	words     map[string]map[string]string
	templates map[string]*template.Template
}

// language answers the words of a language, which mail.Match answered.
func (t *texts) language(name string) (map[string]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.words[name]; w != nil {
		return w, nil
	}
	data, err := files.ReadFile("languages/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("pages: language %s: %w", name, err)
	}
	var w map[string]string
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("pages: language %s: %w", name, err)
	}
	if t.words == nil {
		t.words = map[string]map[string]string{}
	}
	t.words[name] = w
	return w, nil
}

func (t *texts) template(name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tmpl := t.templates[name]; tmpl != nil {
		return tmpl, nil
	}
	tmpl, err := template.ParseFS(files, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if t.templates == nil {
		t.templates = map[string]*template.Template{}
	}
	t.templates[name] = tmpl
	return tmpl, nil
}

// page is what the layout and a page's own template show.
type page struct {
	Lang  string
	Asked string // the language if the person chose it
	Title string
	Form  string // the token of the forms
	Wide  bool   // a page with a table
	words map[string]string
	// Errors stand in the summary at the top; each may lead to its field.
	Errors []problem
	Notice string
	// Languages are the choices at the foot of the page; none on pages whose
	// address holds a token.
	Languages []choice
	Data      any
}

// problem is one entry of the summary of errors.
type problem struct {
	Text  string
	Field string   // id of the input, or empty
	Rules []string // what a password breaks
}

type choice struct {
	Lang, Name, URL string
	Current         bool
}

// T is a text in the language of the page; pairs of a name and a value fill its
// placeholders. The template escapes what comes out.
func (p *page) T(key string, pairs ...string) (string, error) {
	s, ok := p.words[key]
	if !ok {
		return "", fmt.Errorf("pages: no text %q in %s", key, p.Lang)
	}
	args := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		args = append(args, "{"+pairs[i]+"}", mail.Clean(pairs[i+1]))
	}
	return strings.NewReplacer(args...).Replace(s), nil
}

// Invalid says whether the input with this id has a problem.
func (p *page) Invalid(field string) bool {
	for _, e := range p.Errors {
		if e.Field == field {
			return true
		}
	}
	return false
}

// page prepares a page in the language of the request.
func (r *request) page(title string) (*page, error) {
	words, err := r.p.texts.language(r.lang)
	if err != nil {
		return nil, err
	}
	p := &page{Lang: r.lang, Asked: r.asked(), words: words}
	if p.Title, err = p.T(title); err != nil {
		return nil, err
	}
	return p, nil
}

// offerLanguages puts links to the other languages on a page whose address may
// be repeated.
func (r *request) offerLanguages(p *page) error {
	for _, l := range mail.Languages() {
		words, err := r.p.texts.language(l)
		if err != nil {
			return err
		}
		p.Languages = append(p.Languages, choice{Lang: l, Name: words["name"], URL: r.URL.Path + "?lang=" + l, Current: l == r.lang})
	}
	return nil
}

// show writes a page. It is made as a whole first, so that a failure cannot
// leave half of one.
func (r *request) show(status int, name string, p *page) error {
	if err := r.giveFormToken(); err != nil {
		return err
	}
	p.Form = r.form
	tmpl, err := r.p.texts.template(name)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := tmpl.ExecuteTemplate(&b, "layout", p); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	h := r.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	r.w.WriteHeader(status)
	_, _ = r.w.Write([]byte(b.String())) // a browser that has gone needs nothing
	return nil
}

// refuse shows the page of a refusal; its title and sentence are texts.
func (r *request) refuse(status int, key string) error {
	titles := map[string]string{
		"notFound": "notFoundTitle", "method": "methodTitle", "tooLarge": "tooLargeTitle",
		"originRefused": "forbiddenTitle", "failure": "failureTitle",
	}
	p, err := r.page(titles[key])
	if err != nil {
		return err
	}
	if p.Data, err = p.T(key); err != nil {
		return err
	}
	return r.show(status, "message", p)
}

// style answers the one style sheet. It may be kept: it changes with the
// program only, and holds nothing of anybody.
func style(r *request) error {
	data, err := files.ReadFile("style.css")
	if err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	h := r.w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=300")
	r.w.WriteHeader(http.StatusOK)
	_, _ = r.w.Write(data) // as in show
	return nil
}
