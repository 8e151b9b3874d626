// Package docs is the documentation inside the program: the guides of this
// folder as they are, and the pages made from the command tree, compressed.
// It knows nothing of how they are shown.
package docs

import (
	"archive/zip"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:embed *.md
var guides embed.FS

// pages is written by cmd/gendocs: cmd/*.md and man/*.1 of this folder. An
// empty file is enough to build cmd/gendocs, should it be lost.
//
//go:embed pages.zip
var pages string

// ErrNoPage means that there is no page of that name or in that form.
var ErrNoPage = errors.New("no such page")

// index is the guide that lists the others; it is for those who look at the
// folder.
const index = "README.md"

// Topic is something there is a page about.
type Topic struct {
	// Name is a word for a guide, "import", and the command for a command,
	// "idctl users list".
	Name  string `json:"topic"`
	Title string `json:"title"`
}

// Guide says whether it is a guide, which has no manual page.
func (t Topic) Guide() bool { return t.Name != "idctl" && !strings.HasPrefix(t.Name, "idctl ") }

// Topics are the guides, then the commands, each by their names.
func Topics() ([]Topic, error) {
	entries, err := guides.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var topics []Topic
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".md")
		if !ok || e.Name() == index {
			continue
		}
		data, err := guides.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		heading, _, _ := strings.Cut(string(data), "\n")
		topics = append(topics, Topic{name, strings.TrimSpace(strings.TrimLeft(heading, "#"))})
	}
	r, err := archive()
	if err != nil {
		return nil, err
	}
	n := len(topics)
	for _, f := range r.File {
		name, ok := strings.CutPrefix(f.Name, "cmd/")
		if !ok {
			continue
		}
		text, err := read(f)
		if err != nil {
			return nil, err
		}
		name = strings.ReplaceAll(strings.TrimSuffix(name, ".md"), "_", " ")
		// A page begins with its heading, a blank line and the short text.
		parts := strings.SplitN(text, "\n", 4)
		topics = append(topics, Topic{name, parts[min(2, len(parts)-1)]})
	}
	slices.SortFunc(topics[n:], func(a, b Topic) int { return strings.Compare(a.Name, b.Name) })
	return topics, nil
}

// Markdown is the page of a topic as it was written. ErrNoPage when there is
// none.
func Markdown(topic string) (string, error) {
	if (Topic{Name: topic}).Guide() {
		if strings.ContainsAny(topic, `/\`) || topic+".md" == index {
			return "", fmt.Errorf("%s: %w", topic, ErrNoPage)
		}
		data, err := guides.ReadFile(topic + ".md")
		if err != nil {
			return "", fmt.Errorf("%s: %w", topic, ErrNoPage)
		}
		return strings.ReplaceAll(string(data), "\r\n", "\n"), nil
	}
	return page("cmd/" + strings.ReplaceAll(topic, " ", "_") + ".md")
}

// Man is the manual page of a command, in roff. ErrNoPage for guides.
func Man(topic string) (string, error) {
	if (Topic{Name: topic}).Guide() {
		return "", fmt.Errorf("%s as a manual page: %w", topic, ErrNoPage)
	}
	return page("man/" + strings.ReplaceAll(topic, " ", "-") + ".1")
}

func archive() (*zip.Reader, error) {
	r, err := zip.NewReader(strings.NewReader(pages), int64(len(pages)))
	if err != nil {
		return nil, fmt.Errorf("open the pages in the program: %w", err)
	}
	return r, nil
}

func page(name string) (string, error) {
	r, err := archive()
	if err != nil {
		return "", err
	}
	for _, f := range r.File {
		if f.Name == name {
			return read(f)
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrNoPage)
}

// maxPage bounds what a page unpacks to.
const maxPage = 1 << 20

func read(f *zip.File) (string, error) {
	in, err := f.Open()
	if err != nil {
		return "", fmt.Errorf("open %s in the program: %w", f.Name, err)
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPage))
	if err = errors.Join(err, in.Close()); err != nil {
		return "", fmt.Errorf("read %s in the program: %w", f.Name, err)
	}
	return string(data), nil
}
