package emulator

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestInvent(t *testing.T) {
	one := slices.Collect(invent(3, 200, 5))
	if diff := cmp.Diff(one, slices.Collect(invent(3, 200, 5))); diff != "" {
		t.Errorf("the same seed invents others:\n%s", diff)
	}
	if len(one) != 205 || cmp.Equal(one, slices.Collect(invent(4, 200, 5))) {
		t.Errorf("%d documents; another seed must differ", len(one))
	}
	names := map[any]bool{}
	foreign := 0
	for _, d := range one[:200] {
		name, _ := d.Document["userName"].(string)
		if names[name] {
			t.Errorf("%s twice", name)
		}
		names[name] = true
		for _, r := range name {
			if r > unicode.MaxASCII {
				t.Errorf("user name %s is not ASCII", name)
			}
		}
		display, _ := d.Document["displayName"].(string)
		for _, r := range display {
			if r > unicode.MaxASCII {
				foreign++
				break
			}
		}
	}
	if foreign < 100 {
		t.Errorf("only %d of 200 names leave ASCII", foreign)
	}
}

// TestInventedArePlausible: the engine takes every one of them, and they are
// what they say.
func TestInventedArePlausible(t *testing.T) {
	f := start(t, nil)
	rep, err := f.Seed(t.Context(), SeedRequest{Users: 300, Groups: 12})
	if err != nil {
		t.Fatalf("%v: %+v", err, rep.Errors[:min(3, len(rep.Errors))])
	}
	if len(rep.IDs) != 312 || slices.Contains(rep.IDs, "") {
		t.Errorf("ids %d", len(rep.IDs))
	}
	if n := f.count("&filter=active+eq+false"); n == 0 || n > 60 {
		t.Errorf("%d are inactive", n)
	}
	if n := f.count("&filter=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value+eq+%22" + rep.IDs[0] + "%22"); n != teamSize-1 {
		t.Errorf("the first manager leads %d", n)
	}
}

func TestParseSeedKeepsNumbers(t *testing.T) {
	req, err := ParseSeed([]byte(`[{"type":"User","document":{"n":12345678901234567890}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := req.Documents[0].Document["n"]; got != json.Number("12345678901234567890") {
		t.Errorf("got %v", got)
	}
}
