package docs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPage: each topic has its page, each file of the folder a topic.
func TestEveryPage(t *testing.T) {
	topics, err := Topics()
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	have := map[string]bool{}
	for _, topic := range topics {
		have[topic.Name] = true
		text, err := Markdown(topic.Name)
		if err != nil || !strings.HasPrefix(text, "#") || topic.Title == "" {
			t.Errorf("%+v: %v, begins %.20q", topic, err, text)
		}
		man, err := Man(topic.Name)
		if topic.Guide() {
			if !errors.Is(err, ErrNoPage) {
				t.Errorf("the guide %s has a manual page: %v", topic.Name, err)
			}
			continue
		}
		commands++
		if err != nil || !strings.Contains(strings.ReplaceAll(man, `\-`, "-"), ".SH NAME\n"+strings.ReplaceAll(topic.Name, " ", "-")+" - "+topic.Title) {
			t.Errorf("manual page of %s: %v\n%.200s", topic.Name, err, man)
		}
	}
	files, err := filepath.Glob("cmd/*.md")
	if err != nil || len(files) != commands || commands < 30 {
		t.Errorf("%d files in cmd, %d topics, %v", len(files), commands, err)
	}
	guides, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guides {
		if name := strings.TrimSuffix(g, ".md"); g != index && !have[name] {
			t.Errorf("%s is no topic", g)
		}
	}
}

func TestNoPage(t *testing.T) {
	for _, topic := range []string{"nothing", "", "README", "changes/0001-first-release", "../README", "idctl nothing", "idctl ../x"} {
		if _, err := Markdown(topic); !errors.Is(err, ErrNoPage) {
			t.Errorf("Markdown(%q) = %v, want ErrNoPage", topic, err)
		}
		if _, err := Man(topic); !errors.Is(err, ErrNoPage) {
			t.Errorf("Man(%q) = %v, want ErrNoPage", topic, err)
		}
	}
}

// TestArchiveIsOnDisk: the pages in the program are those of the folder.
func TestArchiveIsOnDisk(t *testing.T) {
	r, err := archive()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		got, err := read(f)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.FromSlash(f.Name))
		if err != nil || got != strings.ReplaceAll(string(want), "\r\n", "\n") {
			t.Errorf("%s is another one in pages.zip, run go generate ./cmd/gendocs (%v)", f.Name, err)
		}
	}
}
