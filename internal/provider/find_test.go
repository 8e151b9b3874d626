package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// directory is a Resources over a slice that evaluates filters for real and
// writes down what was asked.
type directory struct {
	Resources // the verbs that Find does not need are not there

	typ   string
	keys  []string
	docs  []scim.Document
	calls []string
	opts  []scim.ListOptions
	fail  error
}

func (d *directory) Type() string   { return d.typ }
func (d *directory) Keys() []string { return d.keys }

func (d *directory) Get(_ context.Context, id string, _ scim.ListOptions) (scim.Document, error) {
	d.calls = append(d.calls, "get")
	if d.fail != nil {
		return nil, d.fail
	}
	for _, doc := range d.docs {
		if strings.EqualFold(doc.ID(), id) || doc.String("ocid") == id && id != "" {
			return doc, nil
		}
	}
	return nil, fmt.Errorf("get: %w", &scim.Error{Status: 404})
}

func (d *directory) match(opts scim.ListOptions) ([]scim.Document, error) {
	d.opts = append(d.opts, opts)
	if d.fail != nil {
		return nil, d.fail
	}
	// Through the text, as a real service would see it.
	parsed, err := filter.Parse(opts.Filter.String())
	if err != nil {
		return nil, err
	}
	m, err := filter.Compile(parsed, nil)
	if err != nil {
		return nil, err
	}
	var hits []scim.Document
	for _, doc := range d.docs {
		if m.Match(doc) {
			hits = append(hits, doc)
		}
	}
	return hits, nil
}

func (d *directory) Page(_ context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	d.calls = append(d.calls, "page")
	hits, err := d.match(opts)
	if err != nil {
		return nil, err
	}
	return &scim.Page[scim.Document]{Resources: hits[:min(len(hits), opts.Count)], Total: len(hits)}, nil
}

func (d *directory) All(_ context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	d.calls = append(d.calls, "all")
	return func(yield func(scim.Document, error) bool) {
		hits, err := d.match(opts)
		for _, doc := range hits {
			if !yield(doc, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func user(id, login, mail string) scim.Document {
	return scim.Document{
		"id": id, "userName": login, "ocid": "ocid1.user.oc1.." + login,
		"emails": []any{map[string]any{"value": mail, "type": "work", "primary": true}},
	}
}

const (
	id1 = "0123456789abcdef0123456789abcde1"
	id2 = "0123456789abcdef0123456789abcde2"
	id3 = "0123456789abcdef0123456789abcde3"
)

func people() *directory {
	return &directory{typ: "User", keys: []string{"userName", "emails.value"}, docs: []scim.Document{
		user(id1, "ada", "ada@example.com"),
		user(id2, "Bob@example.com", "shared@example.com"),
		user(id3, "carol", "shared@example.com"),
		user("SimplePolicy", "bob", "Bob@example.com"), // its address is the login of another
		user("4", "Zoë Öz", "zoe@example.com"),
	}}
}

func TestFind(t *testing.T) {
	tests := []struct {
		name, key string
		id        string
		calls     []string
		err       error
	}{
		{"id", id1, id1, []string{"get"}, nil},
		{"id in capitals", strings.ToUpper(id1), id1, []string{"get"}, nil},
		{"ocid", "ocid1.user.oc1..ada", id1, []string{"get"}, nil},
		{"unknown ocid", "ocid1.user.oc1..nobody", "", []string{"get"}, scim.ErrNotFound},
		{"login", "ADA", id1, []string{"page"}, nil},
		{"login beats address", "bob@example.com", id2, []string{"page"}, nil},
		{"address", "ada@EXAMPLE.com", id1, []string{"page"}, nil},
		{"shared address", "shared@example.com", "", []string{"page"}, scim.ErrAmbiguous},
		{"quote and plus", `a"+b@example.com`, "", []string{"page"}, scim.ErrNotFound},
		{"folded", "ZOË öz", "4", []string{"page"}, nil},
		{"id of another form", "SimplePolicy", "SimplePolicy", []string{"page", "get"}, nil},
		{"nobody, by address", "nobody@example.com", "", []string{"page"}, scim.ErrNotFound},
		{"nobody, a word", "nobody", "", []string{"page", "get"}, scim.ErrNotFound},
		{"unknown id is looked for as a login", strings.Repeat("a", 32), "", []string{"get", "page"}, scim.ErrNotFound},
		{"empty", " ", "", nil, ErrEmptyKey},
		{"path", "../Groups", "", []string{"page"}, scim.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := people()
			got, err := Find(context.Background(), d, tt.key)
			if !errors.Is(err, tt.err) || got.ID() != tt.id {
				t.Errorf("Find(%q) = %q, %v; want %q, %v", tt.key, got.ID(), err, tt.id, tt.err)
			}
			if diff := cmp.Diff(tt.calls, d.calls); diff != "" {
				t.Errorf("calls: -want +got\n%s", diff)
			}
			if errors.Is(err, scim.ErrNotFound) && !strings.Contains(err.Error(), fmt.Sprintf("%q", tt.key)) {
				t.Errorf("error %q does not name the key", err)
			}
		})
	}
}

func TestFindAmbiguous(t *testing.T) {
	_, err := Find(context.Background(), people(), "shared@example.com")
	var got *AmbiguousError
	if !errors.As(err, &got) {
		t.Fatalf("error = %v", err)
	}
	want := &AmbiguousError{Type: "User", Key: "shared@example.com", Total: 2, Candidates: []Candidate{{id2, "Bob@example.com"}, {id3, "carol"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	text := `User "shared@example.com" is ambiguous: Bob@example.com (` + id2 + `), carol (` + id3 + `)`
	if got.Error() != text {
		t.Errorf("Error() = %q, want %q", got.Error(), text)
	}

	many := &directory{typ: "Group", keys: []string{"displayName"}}
	for i := range 25 {
		many.docs = append(many.docs, scim.Document{"id": fmt.Sprint(i), "displayName": "Same name"})
	}
	_, err = Find(context.Background(), many, "same name")
	if !errors.As(err, &got) || got.Total != 25 || len(got.Candidates) != 10 || !strings.HasSuffix(err.Error(), "and 15 more") {
		t.Errorf("many: %v", err)
	}
}

func TestFindPassesErrorsOn(t *testing.T) {
	for _, key := range []string{id1, "ada"} {
		d := people()
		d.fail = &scim.Error{Status: 503}
		if _, err := Find(context.Background(), d, key); !errors.Is(err, scim.ErrUnavailable) || errors.Is(err, scim.ErrNotFound) {
			t.Errorf("Find(%q) = %v, want ErrUnavailable", key, err)
		}
		if len(d.calls) != 1 {
			t.Errorf("Find(%q) went on after an error: %v", key, d.calls)
		}
	}
}

func TestFindWithoutKeys(t *testing.T) {
	d := &directory{typ: "Setting", docs: []scim.Document{{"id": "Settings"}}}
	if got, err := Find(context.Background(), d, "Settings"); err != nil || got.ID() != "Settings" {
		t.Errorf("Find = %v, %v", got, err)
	}
	if _, err := Find(context.Background(), d, "Other"); !errors.Is(err, scim.ErrNotFound) {
		t.Errorf("Find = %v", err)
	}
}

func TestFindMany(t *testing.T) {
	d := &directory{typ: "User", keys: []string{"userName"}}
	var keys []string
	for i := range 120 {
		login := fmt.Sprintf("User%03d", i)
		d.docs = append(d.docs, user(fmt.Sprint(i), login, login+"@example.com"))
		keys = append(keys, strings.ToLower(login))
	}
	keys = append(keys, "nobody", "", keys[0], "USER001")
	extra := filter.Pr(filter.MustAttr("id"))
	got, err := FindMany(context.Background(), d, "userName", keys, scim.ListOptions{Attributes: []string{"id"}, Filter: extra})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 120 || got["user007"].ID() != "7" || got["nobody"] != nil {
		t.Errorf("%d found, user007 is %v", len(got), got["user007"])
	}
	// 122 spellings: two full batches and the rest.
	if d := cmp.Diff([]string{"all", "all", "all"}, d.calls); d != "" {
		t.Errorf("calls: -want +got\n%s", d)
	}
	for i, want := range []int{51, 51, 23} {
		o := d.opts[i]
		if o.Count != want || !o.Post || cmp.Diff([]string{"id", "userName"}, o.Attributes) != "" || !strings.HasPrefix(o.Filter.String(), "id pr and (") {
			t.Errorf("batch %d: %+v", i, o)
		}
	}
}

func TestFindManyByAddress(t *testing.T) {
	got, err := FindMany(context.Background(), people(), "emails.value", []string{"ADA@example.com", "shared@example.com", "bob@example.com"}, scim.ListOptions{})
	var amb *AmbiguousError
	if !errors.As(err, &amb) || amb.Key != "shared@example.com" || amb.Total != 2 {
		t.Errorf("error = %v", err)
	}
	ids := map[string]string{}
	for k, doc := range got {
		ids[k] = doc.ID()
	}
	if d := cmp.Diff(map[string]string{"ada@example.com": id1, "bob@example.com": "SimplePolicy"}, ids); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestFindManyErrors(t *testing.T) {
	d := people()
	d.fail = &scim.Error{Status: 429}
	if got, err := FindMany(context.Background(), d, "userName", []string{"ada"}, scim.ListOptions{}); !errors.Is(err, scim.ErrThrottled) || got != nil {
		t.Errorf("FindMany = %v, %v", got, err)
	}
	if _, err := FindMany(context.Background(), people(), "a b", []string{"x"}, scim.ListOptions{}); !errors.Is(err, filter.ErrSyntax) {
		t.Errorf("bad attribute: %v", err)
	}
	d = people()
	if got, err := FindMany(context.Background(), d, "userName", []string{""}, scim.ListOptions{}); err != nil || len(got) != 0 || len(d.calls) != 0 {
		t.Errorf("no keys: %v, %v, %v", got, err, d.calls)
	}
}

func TestFold(t *testing.T) {
	same := [][]string{
		{"ada", "ADA", "Ada"},
		{"é", "É", "e\u0301", "E\u0301"},
		{"straße", "STRASSE", "Strasse"},
		{"σ", "ς", "Σ"},
		{"Å", "\u212b", "a\u030a"},
	}
	for _, group := range same {
		for _, s := range group {
			if Fold(s) != Fold(group[0]) {
				t.Errorf("Fold(%q) = %q, Fold(%q) = %q", s, Fold(s), group[0], Fold(group[0]))
			}
			if Fold(Fold(s)) != Fold(s) {
				t.Errorf("folding %q twice changes it", s)
			}
		}
	}
	for _, pair := range [][2]string{{"a", "ä"}, {"ada", "ada "}, {"i", "ı"}} {
		if Fold(pair[0]) == Fold(pair[1]) {
			t.Errorf("%q and %q fold alike", pair[0], pair[1])
		}
	}
}

func TestSimilar(t *testing.T) {
	known := []string{"User", "UserStatusChanger", "Group", "AppRole", "App", "BypassCode", "PasswordPolicy", "Policy"}
	tests := []struct {
		word string
		want []string
	}{
		{"usr", []string{"User"}},
		{"Gruop", []string{"Group"}},
		{"bypas-codes", []string{"BypassCode"}},
		{"polic", []string{"Policy", "PasswordPolicy"}},
		{"xyzzy", nil},
		{"", nil},
		{strings.Repeat("u", 5000), nil},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, Similar(tt.word, known, 5)); d != "" {
			t.Errorf("Similar(%.20q): -want +got\n%s", tt.word, d)
		}
	}
	err := NewUnknownResource("idcs", "gruop\n", known)
	if !errors.Is(err, ErrUnknownResource) || err.Error() != `provider idcs has no resource type "gruop"` || err.Hint() != "did you mean Group?" {
		t.Errorf("error %q, hint %q", err, err.Hint())
	}
}
