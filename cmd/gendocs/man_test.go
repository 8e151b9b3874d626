package main

import (
	"strings"
	"testing"
)

// TestManualPagesLoseNothing: placeholders, brackets and tables of help texts
// are Markdown on the way to roff, which would take them for marks.
func TestManualPagesLoseNothing(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]string{
		"idctl-users-get.1":     `idctl users get <user>\&... [flags]`,
		"idctl-profile-set.1":   "<setting>=<value>",
		"idctl-completion.1":    "source <(idctl completion bash)",
		"idctl-users-list.1":    "\n.TH \"IDCTL-USERS-LIST\" \"1\" \"Nov 2026\" \"idctl\" \"idctl manual\"\n",
		"idctl-users-create.1":  `\fITYPE=ADDRESS\fP`,
		"idctl-users-update.1":  `emails[type eq "work"]\&.value`,
		"idctl-import-users.1":  "HEADER=COLUMN",
		"idctl-groups-update.1": "idctl groups update Engineering --name 'Engineering Zurich'",
	} {
		if text := string(files["docs/man/"+page]); !strings.Contains("\n"+text, want) {
			t.Errorf("%s does not hold %q:\n%s", page, want, text)
		}
	}
	for name, data := range files {
		if !strings.HasPrefix(name, "docs/man/") {
			continue
		}
		for _, mark := range []string{`\\<`, `\\>`, `\\*`, `\\_`, `\\[`, `\\]`} {
			if strings.Contains(string(data), mark) {
				t.Errorf("%s holds the Markdown %s", name, mark)
			}
		}
	}
}
