package mapping

import (
	"encoding/json"
	"math/rand/v2"
	"net/mail"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/transfer"
)

// sameBody checks that a row is encoded to the byte as the document it makes.
func sameBody(tb testing.TB, s transfer.Spec) {
	tb.Helper()
	want, err := json.Marshal(s.Create(byID))
	if err != nil {
		tb.Fatal(err)
	}
	e, ok := s.(transfer.Encoder)
	if !ok {
		tb.Fatalf("%T encodes nothing by itself", s)
	}
	got, err := e.AppendCreate([]byte("before"), byID)
	if err != nil || string(got) != "before"+string(want) {
		tb.Errorf("encoded (%v)\n%s\nthe document is\n%s", err, got, want)
	}
}

// cellsFor are values that a column takes, odd ones among them.
func cellsFor(c Column) []string {
	switch c.Kind {
	case Bool:
		return []string{"true", "FALSE", "no"}
	case Email:
		return []string{"ada@example.com", `"a b"@example.com`, "é@exämple.com"}
	case Category:
		return userTypes()
	case Selector:
		return []string{"work", "Home", "other"}
	case UserRef:
		return []string{"boss", "nobody"}
	case Members:
		return []string{"ada", "ada; bob", "nobody", ";"}
	}
	return []string{"x", "Zürich <&>", `say "hi" \`, "a\nb", "\u2028 \u200b", " blanks ", "'=1'", strings.Repeat("long ", 30)}
}

func TestAppendCreate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	extra := []string{
		"urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge", "urn:ietf:params:scim:schemas:idcs:extension:custom:User:place.room",
		`ims[type eq "xmpp"].value`, `photos[type eq "photo"].display`,
	}
	for _, typ := range []string{User, Group} {
		quick := 0
		for range 100 {
			// Some of the columns, in any order.
			var header, rules []string
			var cols []Column
			for _, c := range Columns(typ) {
				if !c.ExportOnly && (c.Path == keyPath(typ) || r.IntN(3) > 0) {
					header, cols = append(header, c.Name), append(cols, c)
				}
			}
			if typ == User && r.IntN(3) == 0 {
				for i, e := range extra {
					h := "Extra " + string(rune('A'+i))
					header, cols, rules = append(header, h), append(cols, Column{Name: h, Kind: Text}), append(rules, h+"="+e)
				}
			}
			r.Shuffle(len(cols), func(i, j int) {
				cols[i], cols[j], header[i], header[j] = cols[j], cols[i], header[j], header[i]
			})
			p, err := newPlan(typ, header, Options{Map: rules, Plain: r.IntN(2) == 0})
			if err != nil {
				t.Fatal(err)
			}
			if p.layout() != nil {
				quick++
			}
			for range 10 {
				cells := make([]string, len(cols))
				for i, c := range cols {
					if pool := cellsFor(c); c.Path == keyPath(typ) || r.IntN(2) == 0 {
						cells[i] = pool[r.IntN(len(pool))]
					}
				}
				if s, problems := specOf(p, cells); s != nil {
					sameBody(t, s)
				} else if len(problems) == 0 {
					t.Fatal("a row without a problem makes nothing")
				}
			}
		}
		if quick < 100 {
			t.Errorf("only %d of 100 files of %s are encoded without a map", quick, typ)
		}
	}
}

func TestAppendCreateOfOddMappings(t *testing.T) {
	tests := []struct {
		name   string
		header []string
		rules  []string
		row    []string
	}{
		{"the primary flag as a column", []string{"User Name", "Work Email", "P"}, []string{`P=emails[type eq "work"].primary`}, []string{"ada", "a@example.com", "no"}},
		{"the type as a column", []string{"User Name", "Work Email", "T"}, []string{`T=emails[type eq "work"].type`}, []string{"ada", "a@example.com", "home"}},
		{"our own attribute", []string{"User Name", "M"}, []string{"M=" + UserExtURN + ":creationMechanism"}, []string{"ada", "bulk"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := newPlan(User, tt.header, Options{Map: tt.rules})
			if err != nil {
				t.Fatal(err)
			}
			if p.layout() != nil {
				t.Error("it is encoded without a map, which cannot be right")
			}
			s, problems := specOf(p, tt.row)
			if s == nil {
				t.Fatal(problems)
			}
			sameBody(t, s)
		})
	}
}

// FuzzUsualForms: what is waved through without a parser, the parser would have
// let through.
func FuzzUsualForms(f *testing.F) {
	for _, s := range []string{
		"ada@example.com", "a.b-c_d+e@x-y.example", ".a@b", "a..b@c", "a.@b", "a@-b", "a@b-", "a@b-.c", "a@b.", "@", "a@", "@b", "a@@b",
		"a b@c", `"a"@b`, "+41 44 555 01 00", "(044) 555/01.00", "12", "+", "1+2", "123x4", "123456789012345678901", "tel:+1", "1--2-3",
		"en-GB", "de_CH", "x", "zh-Hant-TW", "en--GB", "-en", "abcdefghi", "en-1234567890", "Europe/Zurich", "Etc/GMT+1", "/a", "a/", "a//b", "UTC",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at := strings.LastIndexByte(s, '@'); at >= 0 && at <= 64 && len(s) <= 254 && usualAddress(s, at) {
			a, err := mail.ParseAddress(s)
			if err != nil || a.Address != s || a.Name != "" {
				t.Errorf("%q is no address: %v", s, err)
			}
			for label := range strings.SplitSeq(s[at+1:], ".") {
				if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
					t.Errorf("%q has a wrong host name", s)
				}
			}
		}
		if usualPhone(s) {
			number := strings.TrimPrefix(foldPhone(s), "+")
			if len(number) < 3 || len(number) > 20 || strings.Trim(number, "0123456789*#") != "" {
				t.Errorf("%q is no number", s)
			}
		}
		if got := languageTag(s); got != slowLanguageTag(s) {
			t.Errorf("languageTag(%q) = %v", s, got)
		}
		if got := zoneName(s); got != slowZoneName(s) {
			t.Errorf("zoneName(%q) = %v", s, got)
		}
		if got := nobody(s); got != (len(splitMembers(s)) == 0) {
			t.Errorf("nobody(%q) = %v", s, got)
		}
	})
}

// slowLanguageTag and slowZoneName say the same in other words.
func slowLanguageTag(s string) bool {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) == 0 || len(s) > 35 || len(parts[0]) < 2 || len(parts[0]) > 8 {
		return false
	}
	for i, p := range parts {
		for _, r := range p {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
			if !letter && (i == 0 || r < '0' || r > '9') || len(p) > 8 {
				return false
			}
		}
	}
	return true
}

func slowZoneName(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-") != "" {
			return false
		}
	}
	return true
}
