package engine

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/lifecycle.md")

// TestLifecycleDocument: the documentation shows the table of the code.
func TestLifecycleDocument(t *testing.T) {
	name := filepath.Join("..", "..", "..", "docs", "lifecycle.md")
	want := lifecycleDocument()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("docs/lifecycle.md is not what the table says (%v): run go test ./internal/emulator/engine -run LifecycleDocument -update", err)
	}
}

func lifecycleDocument() string {
	var b strings.Builder
	b.WriteString(`# The life cycle of a user in the emulator

This page is made from the table in the code (` + "`internal/emulator/engine/lifecycle_table.go`" + `) by the test
` + "`TestLifecycleDocument`" + ` with ` + "`-update`" + `; the engine asks the same table before it acts.

Nothing stores the state: it follows from ` + "`active`, `locked`" + `, whether there is a password, the newest invitation and the
time. A blocked user is shown as blocked also when locked; after unblocking, the user is what he or she was before. The same
holds for a user who was locked before the activation.

` + "```mermaid\nstateDiagram-v2\n")
	ids := map[State]string{StateNone: "[*]"}
	for i, s := range States() {
		ids[s] = fmt.Sprintf("s%d", i)
		fmt.Fprintf(&b, "    s%d: %s\n", i, strings.ReplaceAll(string(s), ":", ","))
	}
	for _, from := range append([]State{StateNone}, States()...) {
		to := map[State][]string{}
		for _, act := range Acts() {
			if o := Lifecycle(from, act); !o.Void && o.Refused == nil && o.To != from && o.To != StateNone {
				to[o.To] = append(to[o.To], string(act))
			}
		}
		for _, s := range States() {
			if len(to[s]) > 0 {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", ids[from], ids[s], strings.Join(to[s], ", "))
			}
		}
	}
	b.WriteString("```\n\nDeleting leads out of every state. What leads from where to where, and what is refused:\n")
	for _, from := range append([]State{StateNone}, States()...) {
		fmt.Fprintf(&b, "\n## %s\n\n| Act | Leads to |\n| --- | --- |\n", from)
		for _, act := range Acts() {
			switch o := Lifecycle(from, act); {
			case o.Void:
			case o.Refused != nil && o.Refused.Err == nil:
				fmt.Fprintf(&b, "| %s | refused, %d `%s`: %s |\n", act, o.Refused.Status, o.Refused.MessageID, o.Refused.Text)
			case o.Refused != nil:
				fmt.Fprintf(&b, "| %s | refused: %s |\n", act, o.Refused.Text)
			case o.To == from:
				fmt.Fprintf(&b, "| %s | stays |\n", act)
			default:
				fmt.Fprintf(&b, "| %s | %s |\n", act, o.To)
			}
		}
	}
	return b.String()
}
