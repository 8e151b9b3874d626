package mapping

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/transfer/csvio"
)

// TestDuplicatesOfLargeFiles: the sieve of large files finds the doubles that
// remembering every key finds, on the same lines.
func TestDuplicatesOfLargeFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	lines := []string{"User Name,Last Name"}
	want := map[int]int{} // row to the line of the first
	first := map[string]int{}
	for row := 1; row <= rememberAll+5000; row++ {
		key := fmt.Sprintf("user%d", row)
		if row > 10 && r.IntN(500) == 0 {
			key = strings.ToUpper(fmt.Sprintf("user%d", r.IntN(row-1)+1))
		}
		lines = append(lines, key+",Lovelace")
		if at, ok := first[strings.ToLower(key)]; ok {
			want[row] = at
		} else {
			first[strings.ToLower(key)] = row + 1
		}
	}
	s := source(t, User, Options{}, lines...)
	for pass := range 2 {
		found := 0
		for item, err := range s.Items(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			at, dup := want[item.Row]
			if dup != item.Rejected() {
				t.Fatalf("pass %d, row %d: %v, first on line %d", pass, item.Row, item.Problems, at)
			}
			if dup {
				found++
				if !strings.Contains(item.Problems[0].Message, fmt.Sprintf("line %d ", at)) {
					t.Errorf("row %d: %s, want line %d", item.Row, item.Problems[0].Message, at)
				}
			}
		}
		if found != len(want) || found < 20 {
			t.Errorf("pass %d: %d doubles, want %d", pass, found, len(want))
		}
	}
	if n := len(s.found.keys); n > len(lines)/50 {
		t.Errorf("%d keys of %d are suspects", n, len(lines))
	}
}

// TestDuplicatesOfAChangedFile: the pass of its own says that a file is another
// one by now.
func TestDuplicatesOfAChangedFile(t *testing.T) {
	lines := []string{"User Name,Last Name"}
	for row := range rememberAll + 10 {
		lines = append(lines, fmt.Sprintf("user%d,Lovelace", row))
	}
	s := source(t, User, Options{}, lines...)
	lines[5] = "other,Lovelace"
	if err := os.WriteFile(s.file.Path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Items(context.Background()) {
		if !errors.Is(err, csvio.ErrChanged) {
			t.Errorf("%v", err)
		}
		return
	}
	t.Error("nothing came")
}
