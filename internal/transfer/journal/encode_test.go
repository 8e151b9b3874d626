package journal

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fillFields gives every field of a struct a value, or each with a chance of one half.
func fillFields(r *rand.Rand, v reflect.Value, all bool) {
	texts := []string{"create", "W/\"1\"", "ü<&>", "a\nb", "x\xff"}
	for i := range v.NumField() {
		f := v.Field(i)
		if !all && r.IntN(2) == 0 {
			continue
		}
		switch f.Kind() {
		case reflect.Int:
			f.SetInt(int64(r.IntN(1000) + 1))
		case reflect.Uint8:
			f.SetUint(1)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString(texts[r.IntN(len(texts))])
		case reflect.Slice:
			f.SetBytes([]byte(`{"a": 1}`))
		default:
			panic("a field of kind " + f.Kind().String())
		}
	}
}

// TestEntriesAreWhatJSONWrites holds the entries that are written without
// reflection against encoding/json, with every field set and with some.
func TestEntriesAreWhatJSONWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 400 {
		var in Intent
		var out Outcome
		fillFields(r, reflect.ValueOf(&in).Elem(), i == 0)
		fillFields(r, reflect.ValueOf(&out).Elem(), i == 0)
		in.Before = nil // which goes another way, see TestBeforeImages
		for _, e := range []struct {
			v   line
			got []byte
		}{
			{line{Intent: &in}, appendIntent(nil, &in)},
			{line{Outcome: &out}, appendOutcome(nil, &out)},
		} {
			want, err := json.Marshal(e.v)
			if err != nil {
				t.Fatal(err)
			}
			if string(e.got) != string(want) {
				t.Fatalf("written %s\nwant    %s", e.got, want)
			}
		}
	}
}

func TestLine(t *testing.T) {
	for _, text := range []string{"", "{}", strings.Repeat("x", 5000)} {
		got := appendLine([]byte("before\n"), func(b []byte) []byte { return append(b, text...) })
		want := fmt.Sprintf("before\n%08x %s\n", crc32.Checksum([]byte(text), castagnoli()), text)
		if string(got) != want {
			t.Errorf("written %q, want %q", got, want)
		}
	}
}

// TestSettleSoon: outcomes that may wait go along with the next intent, before
// it, and with Close.
func TestSettleSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.journal")
	j, err := Create(path, Identity{Source: "s"}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(j.Intend(Intent{Row: 1, Op: "create", Repeat: Readable}))
	check(j.SettleSoon(Outcome{Row: 1, Result: Created}))
	if j.Empty() {
		t.Error("a journal with an outcome that waits is empty")
	}
	check(j.Intend(Intent{Row: 2, Op: "create", Repeat: Readable}))
	data, err := os.ReadFile(path)
	check(err)
	if lines := strings.Split(strings.TrimSpace(string(data)), "\n"); len(lines) != 4 || !strings.Contains(lines[2], `"d"`) {
		t.Fatalf("%s", data)
	}
	check(j.SettleSoon(Outcome{Row: 2, Result: Created}))
	check(j.Close())
	_, state, err := Open(path, Identity{Source: "s"})
	check(err)
	if state.Rows() != 2 || len(state.Open) != 0 {
		t.Errorf("%d rows, open %v", state.Rows(), state.Open)
	}
	if size() == 0 {
		t.Error("nothing was written")
	}
}

// TestSettleSoonDoesNotGrow: what waits is written when there is much of it,
// even if no intent follows.
func TestSettleSoonDoesNotGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.journal")
	j, err := Create(path, Identity{}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	for i := range 10_000 {
		if err := j.SettleSoon(Outcome{Row: i, Result: Unchanged}); err != nil {
			t.Fatal(err)
		}
		j.mu.Lock()
		n := len(j.waiting)
		j.mu.Unlock()
		if n > maxWaiting+1000 {
			t.Fatalf("%d bytes wait", n)
		}
	}
}

// TestSettleSoonFails: a disk that takes no more stops the run at the next
// intent.
func TestSettleSoonFails(t *testing.T) {
	j, err := Create(filepath.Join(t.TempDir(), "a.journal"), Identity{}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
	_ = j.SettleSoon(Outcome{Row: 1, Result: Created}) // may or may not meet the disk
	if err := j.Intend(Intent{Row: 2}); err == nil {
		t.Error("an operation may be sent that nobody remembers")
	}
	if err := j.Close(); err == nil {
		t.Error("Close says that all is well")
	}
}

// TestRetryTokenIsStable: runs of older versions are resumed with the tokens
// that their requests had.
func TestRetryTokenIsStable(t *testing.T) {
	j := &Journal{head: header{Run: "0123456789abcdef", Secret: []byte("secret")}}
	for _, tt := range []struct {
		phase Phase
		rows  []int
		want  string
	}{
		{Rows, []int{1}, "6792cbce4b418f3a8b95e52d783cbc42ba72cf79"},
		{References, []int{7, 12, 100}, "9fd6e53cdcf0c25a2cd14aea852079281b2e9890"},
		{Rows, nil, "efc8340c1725f1b820bf9bb4c4cf280076db6ae2"},
	} {
		if got := j.RetryToken(tt.phase, tt.rows...); got != tt.want {
			t.Errorf("token of %v: %s, want %s", tt.rows, got, tt.want)
		}
	}
}
