package engine

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

// plainAdmin is admin as plain SCIM calls.
var plainAdmin = func() Call {
	c := admin
	c.Plain = true
	return c
}()

// sameAnswers reads a resource as a document and as text, several times, since
// texts are remembered, and says whether it was a text.
func (b *bench) sameAnswers(call Call, typ, id string, p Params) bool {
	b.Helper()
	want, err := b.e.Get(b.ctx(), call, typ, id, p)
	if err != nil {
		b.Fatalf("%s %+v: %v", typ, p, err)
	}
	text := false
	for range 3 {
		p.Into = []byte("before")
		got, err := b.e.Get(b.ctx(), call, typ, id, p)
		if err != nil {
			b.Fatalf("%s %+v: %v", typ, p, err)
		}
		if got.Version != want.Version || got.Location != want.Location {
			b.Errorf("version %s at %s, want %s at %s", got.Version, got.Location, want.Version, want.Location)
		}
		if got.JSON != nil {
			text = true
			rest, ok := strings.CutPrefix(string(got.JSON), "before")
			if !ok || !json.Valid([]byte(rest)) {
				b.Fatalf("text is %s", got.JSON)
			}
			got.Doc = doc(b, rest)
		}
		if d := cmp.Diff(want.Doc, got.Doc); d != "" {
			b.Fatalf("%s %+v: the text says something else:\n%s", typ, p, d)
		}
	}
	return text
}

// shapedUser is a user with something of most kinds.
func shapedUser(b *bench) string {
	boss := b.user("boss")
	id := b.create("User", `{`+core+`"userName":"ada","title":"Countess \"<&>\\\n","name":{"givenName":"Ada","familyName":"Lovelace é"},
		"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"home@example.com","type":"home"}],
		"addresses":[{"type":"work","locality":"Zürich","country":"CH"}],"phoneNumbers":[{"value":"+41 44 555 01 00","type":"work"}],
		"`+enterpriseURN+`":{"department":"Engines","manager":{"value":"`+boss+`"}},
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:User":{"uidNumber":7},
		"`+userURN+`":{"bypassNotification":true}}`)["id"].(string)
	b.create("Group", `{"displayName":"one","members":[{"value":"`+id+`"}]}`)
	b.create("Group", `{"displayName":"two","members":[{"value":"`+id+`"}]}`)
	return id
}

// TestShapes compares what is made of stored text with what is made of
// documents, for random projections of a user, in both faces.
func TestShapes(t *testing.T) {
	b := newBench(t)
	id := shapedUser(b)
	group := b.create("Group", `{"displayName":"three","externalId":"<&>é\u2028\"","members":[{"value":"`+id+`"}]}`)["id"].(string)
	r := rand.New(rand.NewPCG(5, 6)) // the same every time
	texts := 0
	for _, face := range []struct {
		call Call
		typ  string
		id   string
	}{{admin, "User", id}, {plainAdmin, "User", id}, {admin, "Group", group}, {plainAdmin, "Group", group}} {
		ti, err := b.e.info(face.typ)
		if err != nil {
			t.Fatal(err)
		}
		if face.call.Plain {
			ti = ti.plainView()
		}
		paths := everyPath(ti)
		if !b.sameAnswers(face.call, face.typ, face.id, Params{}) {
			t.Errorf("%s, plain %v: the usual answer is not made of the text", face.typ, face.call.Plain)
		}
		for range 150 {
			p := Params{}
			for range r.IntN(4) {
				p.Attributes = append(p.Attributes, paths[r.IntN(len(paths))])
			}
			if len(p.Attributes) == 0 && r.IntN(2) == 0 {
				p.Excluded = []string{paths[r.IntN(len(paths))], paths[r.IntN(len(paths))]}
			} else if r.IntN(2) == 0 {
				p.AttributeSets = []string{[]string{"all", "always", "request", "default"}[r.IntN(4)]}
			}
			if b.sameAnswers(face.call, face.typ, face.id, p) {
				texts++
			}
		}
	}
	if texts < 100 {
		t.Errorf("only %d answers were made of the text", texts)
	}
}

// everyPath names all schemas, attributes and sub-attributes of a type.
func everyPath(ti *typeInfo) []string {
	var paths []string
	for _, set := range ti.sets() {
		if set.urn != "" {
			paths = append(paths, set.urn)
		}
		for _, a := range set.list {
			paths = append(paths, a.path)
			if a.subs == nil {
				continue
			}
			for _, sub := range a.subs.list {
				paths = append(paths, sub.path)
			}
			if a.sub("value") != nil {
				paths = append(paths, a.path+"[value pr]")
			}
		}
	}
	return paths
}

func TestShapesOfPages(t *testing.T) {
	b := newBench(t)
	shapedUser(b)
	for _, call := range []Call{admin, plainAdmin} {
		want, err := b.e.List(b.ctx(), call, "User", Params{SortBy: "userName"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			got, err := b.e.List(b.ctx(), call, "User", Params{SortBy: "userName", Into: []byte("[")})
			if err != nil {
				t.Fatal(err)
			}
			list := doc(t, `{"list":`+string(got.JSON)+"]}")["list"]
			if d := cmp.Diff(any(anyList(want.Resources)), list); d != "" || got.Total != want.Total || got.Shown != len(want.Resources) {
				t.Errorf("%d of %d, want %d of %d: %s", got.Shown, got.Total, len(want.Resources), want.Total, d)
			}
		}
	}
}

func anyList(docs []Document) []any {
	list := make([]any, len(docs))
	for i, d := range docs {
		list[i] = d
	}
	return list
}

// TestShapesFollow changes what an answer shows of other records.
func TestShapesFollow(t *testing.T) {
	b := newBench(t)
	id := shapedUser(b)
	text := func(call Call) string {
		t.Helper()
		var last string
		for range 3 { // twice until it is remembered
			res, err := b.e.Get(b.ctx(), call, "User", id, Params{Into: []byte{}})
			if err != nil {
				t.Fatal(err)
			}
			last = string(res.JSON)
		}
		return last
	}
	ti, _ := b.e.info("User")
	boss := asMap(asMap(b.get("User", id, enterpriseURN+":manager")[enterpriseURN])["manager"])["value"].(string)
	if s := text(admin); !strings.Contains(s, "Given boss") || ti == nil {
		t.Fatalf("no manager in %s", s)
	}
	if _, err := b.patch("User", boss, `[{"op":"replace","path":"displayName","value":"Somebody else"}]`); err != nil {
		t.Fatal(err)
	}
	if s := text(admin); !strings.Contains(s, "Somebody else") || strings.Contains(s, "Given boss") {
		t.Errorf("the former manager in %s", s)
	}
	before := text(plainAdmin)
	b.create("Group", `{"displayName":"late","members":[{"value":"`+id+`"}]}`)
	if s := text(plainAdmin); strings.Contains(before, "late") || !strings.Contains(s, "late") {
		t.Errorf("the new group is not in %s", s)
	}
	other := admin
	other.BaseURL = "https://other.example.com"
	if s := text(other); !strings.Contains(s, "https://other.example.com/admin/v1/Users/"+id) || strings.Contains(s, "idcs.example.com") {
		t.Errorf("another host in %s", s)
	}
}

func TestCreateAsText(t *testing.T) {
	b := newBench(t)
	in := `{` + core + `"userName":"ada","name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"value":"ada@example.com","type":"work","primary":true}]}`
	for _, call := range []Call{admin, plainAdmin} {
		in = strings.ReplaceAll(in, "ada", "ada1")
		res, err := b.e.Create(b.ctx(), call, "User", doc(t, in), Params{Into: []byte{}})
		if err != nil {
			t.Fatal(err)
		}
		got := doc(t, string(res.JSON))
		want, err := b.e.Get(b.ctx(), call, "User", got["id"].(string), Params{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Doc, got); d != "" || !res.Created || res.Version != want.Version || res.Location != want.Location {
			t.Errorf("%+v: %s", res, d)
		}
	}
}

// TestShapeOfDamage finds damage where a shape reads, and says so as ever.
func TestShapeOfDamage(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	err := b.e.Store().Update(b.ctx(), func(tx store.Tx) error {
		rec, err := tx.Get("User", id)
		if err != nil {
			return err
		}
		rec.Data = rec.Data[:len(rec.Data)-2]
		return tx.Put(rec)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.Get(b.ctx(), admin, "User", id, Params{Into: []byte{}}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a damaged record gives %v", err)
	}
	if _, err := b.e.List(b.ctx(), admin, "User", Params{Into: []byte{}}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a page with a damaged record gives %v", err)
	}
}

// FuzzShape makes answers of any text, and of its canonical form the same as
// render and project.
func FuzzShape(f *testing.F) {
	b := newBench(f)
	id := b.user("ada")
	rec, err := storedRecord(b, id)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rec.Data)
	f.Add([]byte(`{"id":"x","meta":{"version":"1","created":"a"},"emails":[{"value":"a","pw":1},{}],"name":{"givenName":null},"password":"x","active":null,"` +
		enterpriseURN + `":{"manager":{"value":"y"},"department":[]},"x":[1,{"y":"\u00e9\\"}]}`))
	f.Add([]byte(`{"a":[[[[1e5,-0.1,true]]]],"title":"\ud800"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		err := b.e.View(context.Background(), admin, func(tx *Tx) error {
			ti, err := tx.info("User")
			if err != nil {
				return err
			}
			s, err := ti.shaped(Params{})
			if err != nil {
				return err
			}
			e := tx.newEmitter(ti, s.shape, nil)
			if ok, err := e.record(store.Record{ID: "x", Data: text}); err != nil {
				return err
			} else if ok && utf8.Valid(text) && !json.Valid(e.out) {
				t.Errorf("%q gives %q", text, e.out)
			}
			canon, ok := canonical(text)
			if !ok {
				return nil
			}
			e = tx.newEmitter(ti, s.shape, nil)
			ok, err = e.record(store.Record{ID: "x", Data: canon})
			if err != nil || !ok {
				return err
			}
			want, err := tx.render(ti, "x", doc(t, string(canon)), s.proj)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want.Doc, doc(t, string(e.out))); diff != "" {
				t.Errorf("%s: %s", canon, diff)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// canonical is a document as the engine stores it.
func canonical(text []byte) ([]byte, bool) {
	d, err := decode(text)
	if err != nil || !utf8.Valid(text) {
		return nil, false
	}
	canon, err := AppendJSON(nil, d)
	return canon, err == nil
}

func storedRecord(b *bench, id string) (rec store.Record, err error) {
	err = b.e.Store().View(b.ctx(), func(tx store.Tx) error {
		rec, err = tx.Get("User", id)
		return err
	})
	return rec, err
}

// TestMasked compares the masked text of audit events with masked documents.
func TestMasked(t *testing.T) {
	b := newBench(t)
	id := shapedUser(b)
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := storedRecord(b, id)
	if err != nil {
		t.Fatal(err)
	}
	d := doc(t, string(rec.Data))
	d["notDeclared"] = "x"
	text := string(ti.appendMasked(nil, d))
	if diff := cmp.Diff(ti.masked(d), doc(t, text)); diff != "" {
		t.Error(diff)
	}
	d["password"] = "example secret"
	if text = string(ti.appendMasked(nil, d)); !strings.Contains(text, maskedValue) || strings.Contains(text, "example secret") {
		t.Errorf("secrets in %s", text)
	}
}
