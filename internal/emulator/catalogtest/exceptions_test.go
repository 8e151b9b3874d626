package catalogtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
)

// elsewhere is how reasons of leftOut begin for requests that another test
// replays, which they name.
const elsewhere = "stores nothing"

// replayedBy is the test that replays a request which TestReplay leaves out,
// empty where none does.
func replayedBy(why string) string {
	if !strings.HasPrefix(why, elsewhere) {
		return ""
	}
	_, test, _ := strings.Cut(why, ": ")
	return test
}

// wantReplayed compares what a test replayed with what leftOut says of it. In
// these two folders, and in bulk, nothing is left between two tests.
func wantReplayed(t *testing.T, test string, ran map[string]bool) {
	t.Helper()
	for id, why := range leftOut {
		if (replayedBy(why) == test) != ran[id] {
			t.Errorf("%s: leftOut says %q, replayed here: %t", id, why, ran[id])
		}
	}
}

// TestExceptionsAreDocumented: docs/emulator.md lists which requests of the
// folders users and mfa are not replayed, and which of all are answered
// otherwise than their class, each with its reason. Every other one is
// replayed.
func TestExceptionsAreDocumented(t *testing.T) {
	dir := reference(t)
	type row struct{ what, why string }
	count := map[row]int{}
	total := 0
	for _, name := range []string{"users.json", "mfa.json"} {
		for _, e := range catalogue(t, dir, name) {
			total++
			why := mfaLeftOut(e.ID)
			if name == "users.json" {
				why = leftOut[e.ID]
			}
			if why == "" || replayedBy(why) != "" {
				continue
			}
			folder := strings.Split(e.ID, "/")
			count[row{strings.Join(folder[:min(2, len(folder)-1)], "/"), why}]++
		}
	}
	want := []string{"| Requests | Why |", "| --- | --- |"}
	left := 0
	for _, r := range slices.SortedFunc(maps.Keys(count), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.why, b.why))
	}) {
		left += count[r]
		want = append(want, fmt.Sprintf("| %d of `%s` | %s |", count[r], r.what, r.why))
	}
	for _, id := range slices.Sorted(maps.Keys(exceptions)) {
		want = append(want, fmt.Sprintf("| `%s`: %d | %s |", id, exceptions[id].status, exceptions[id].why))
	}
	for _, id := range slices.Sorted(maps.Keys(accessExceptions)) {
		want = append(want, fmt.Sprintf("| `%s`: %d | %s |", id, accessExceptions[id].status, accessExceptions[id].why))
	}
	var got []string
	for line := range strings.Lines(section(t, "Requests that are not replayed")) {
		if strings.HasPrefix(line, "|") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if d := diff.Diff(want, got); d != "" {
		t.Errorf("the table (-code +page):\n%s\nwanted:\n%s", d, strings.Join(want, "\n"))
	}
	t.Logf("%d of %d requests of users and mfa are replayed", total-left, total)
}
