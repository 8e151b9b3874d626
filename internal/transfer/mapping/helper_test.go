package mapping

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

func file(tb testing.TB, lines ...string) *csvio.File {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	f, err := csvio.Open(path, csvio.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func source(tb testing.TB, typ string, o Options, lines ...string) *Source {
	tb.Helper()
	s, err := NewSource(file(tb, lines...), typ, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func items(tb testing.TB, s *Source) []*transfer.Item {
	tb.Helper()
	var out []*transfer.Item
	for it, err := range s.Items(tb.Context()) {
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, it)
	}
	return out
}

// only answers the single row of a file, which must be good.
func only(tb testing.TB, typ string, o Options, header, row string) transfer.Spec {
	tb.Helper()
	all := items(tb, source(tb, typ, o, header, row))
	if len(all) != 1 || all[0].Rejected() {
		tb.Fatalf("rows %d, problems %v", len(all), all[0].Problems)
	}
	return all[0].Spec
}

// byID resolves every reference to "id-" and its folded key, apart from those
// that begin with "no".
func byID(r transfer.Ref) (string, bool) {
	k := FoldKey(r.Key)
	return "id-" + k, !strings.HasPrefix(k, "no")
}

func doc(tb testing.TB, text string) scim.Document {
	tb.Helper()
	var d scim.Document
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return d
}

func clone(tb testing.TB, d scim.Document) scim.Document {
	tb.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		tb.Fatal(err)
	}
	return doc(tb, string(text))
}

// apply is PATCH of RFC 7644 section 3.5.2, as far as our operations go, and
// strict: a path that selects nothing is an error.
func apply(tb testing.TB, before scim.Document, ops []scim.PatchOp) scim.Document {
	tb.Helper()
	d := clone(tb, before)
	text, err := json.Marshal(ops)
	if err != nil {
		tb.Fatal(err)
	}
	var wire []scim.PatchOp
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&wire); err != nil {
		tb.Fatal(err)
	}
	for _, op := range wire {
		if err := applyOne(d, op); err != nil {
			tb.Fatalf("%+v on %v: %v", op, d, err)
		}
	}
	return d
}

func applyOne(d scim.Document, op scim.PatchOp) error {
	p, err := filter.ParsePath(op.Path)
	if err != nil {
		return err
	}
	obj := map[string]any(d)
	if p.Attr.URN != "" {
		obj = child(obj, p.Attr.URN)
	}
	key := p.Attr.Name
	if p.Filter == nil {
		if p.Attr.Sub != "" {
			obj, key = child(obj, key), p.Attr.Sub
		}
		old, exists := obj[key]
		switch op.Op {
		case opRemove:
			if !exists {
				return fmt.Errorf("nothing to remove")
			}
			delete(obj, key)
		case opAdd:
			if list, ok := op.Value.([]any); ok {
				have, _ := old.([]any)
				obj[key] = append(have, list...)
				return nil
			}
			obj[key] = op.Value
		case opReplace:
			obj[key] = op.Value
		default:
			return fmt.Errorf("operation %q", op.Op)
		}
		return nil
	}
	m, err := filter.CompileElement(p.Filter, nil, p.Attr)
	if err != nil {
		return err
	}
	list, _ := obj[key].([]any)
	var rest []any
	hits := 0
	for _, e := range list {
		if !m.MatchElement(e) {
			rest = append(rest, e)
			continue
		}
		hits++
		el := e.(map[string]any)
		switch {
		case op.Op == opRemove && p.Sub == "":
			continue
		case op.Op == opRemove:
			if _, ok := el[p.Sub]; !ok {
				return fmt.Errorf("nothing to remove")
			}
			delete(el, p.Sub)
		case p.Sub == "":
			return fmt.Errorf("whole elements are not replaced")
		default:
			el[p.Sub] = op.Value
		}
		rest = append(rest, e)
	}
	if hits == 0 {
		return fmt.Errorf("noTarget")
	}
	if hits > 1 && op.Op != opRemove {
		return fmt.Errorf("%d targets", hits)
	}
	if len(rest) == 0 {
		delete(obj, key)
	} else {
		obj[key] = rest
	}
	return nil
}

// stored is what the service makes of a create: it adds what it adds, and
// writes some values in its own way.
func stored(tb testing.TB, created scim.Document) scim.Document {
	tb.Helper()
	d := clone(tb, created)
	d["id"] = "4711"
	delete(d, "password")
	if ext, ok := d[UserExtURN].(map[string]any); ok {
		delete(ext, "bypassNotification")
		delete(ext, "creationMechanism")
	}
	if _, isUser := d["userName"]; !isUser {
		return d
	}
	if _, ok := d["active"]; !ok {
		d["active"] = true
	}
	if _, ok := d["displayName"]; !ok {
		d["displayName"] = "made by the service"
	}
	if name := child(d, "name"); name["formatted"] == nil {
		name["formatted"] = "made by the service"
	}
	if ext := child(d, UserExtURN); ext["isFederatedUser"] == nil {
		ext["isFederatedUser"] = false
	}
	list, _ := d["emails"].([]any)
	recovery, primary := false, ""
	for _, e := range list {
		el := e.(map[string]any)
		recovery = recovery || el["type"] == "recovery"
		if el["primary"] == true {
			primary = el["value"].(string)
		} else {
			el["primary"] = false
		}
		if el["verified"] == nil {
			el["verified"] = false
		}
		el["secondary"] = false
	}
	if !recovery && primary != "" {
		d["emails"] = append(list, map[string]any{"value": primary, "type": "recovery", "primary": false, "verified": false})
	}
	phones, _ := d["phoneNumbers"].([]any)
	for _, e := range phones {
		el := e.(map[string]any)
		el["value"] = "tel:" + strings.ReplaceAll(el["value"].(string), " ", "-")
	}
	return d
}
