package idcs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
)

// typedStructs are the types that idcs.Client has fields for.
func typedStructs() map[string]func() any {
	return map[string]func() any{
		"User":    func() any { return new(User) },
		"Group":   func() any { return new(Group) },
		"App":     func() any { return new(App) },
		"AppRole": func() any { return new(AppRole) },
		"Grant":   func() any { return new(Grant) },
	}
}

func TestFixturesSurvive(t *testing.T) {
	for name, fresh := range typedStructs() {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			v := fresh()
			if err := json.Unmarshal(data, v); err != nil {
				t.Fatal(err)
			}
			out, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			// Byte for byte in meaning: cmp tells null, empty and absent apart,
			// and 1e2 from 100.
			want, got := decodeDoc(t, data), decodeDoc(t, out)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-fixture +decoded and encoded\n%s", d)
			}
			if !strings.Contains(string(out), "zzTop") {
				t.Error("the fixture proves nothing of unknown members")
			}
		})
	}
}

func decodeDoc(t *testing.T, data []byte) scim.Document {
	t.Helper()
	d, err := scim.DecodeDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFixtureFields(t *testing.T) {
	data, err := os.ReadFile("testdata/User.json")
	if err != nil {
		t.Fatal(err)
	}
	var u User
	if err := json.Unmarshal(data, &u); err != nil {
		t.Fatal(err)
	}
	if u.UserName != "ada@example.com" || u.Active == nil || !*u.Active || u.Emails[0].Type != "work" ||
		u.EnterpriseExt.Manager.DisplayName != "Bob Example" || *u.PosixExt.GidNumber != 0 || *u.UserStateExt.Locked.On {
		t.Errorf("fields were not read: %+v", u)
	}
	if u.PhoneNumbers == nil || u.Addresses != nil {
		t.Error("an empty list and an absent one look the same")
	}
	if string(u.Extra["title"]) != "null" || u.Extra["userName"] != nil {
		t.Errorf("Extra = %v", u.Extra)
	}
	// What the caller sets replaces what was kept.
	u.NickName, u.Title = "Addie", "Dr"
	out, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	d := decodeDoc(t, out)
	if d.String("nickName") != "Addie" || d.String("title") != "Dr" {
		t.Errorf("nickName %q, title %q", d.String("nickName"), d.String("title"))
	}
}

// TestEveryFieldSurvives fills every field there is, with an unknown member in
// every object, and reads it back.
func TestEveryFieldSurvives(t *testing.T) {
	for name, fresh := range typedStructs() {
		t.Run(name, func(t *testing.T) {
			v := fresh()
			if n := fill(t, reflect.ValueOf(v).Elem()); n < 10 {
				t.Fatalf("only %d fields filled", n)
			}
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			back := fresh()
			if err := json.Unmarshal(data, back); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(v, back); d != "" {
				t.Errorf("-filled +read back\n%s", d)
			}
			// Names in another case still find their fields.
			upper := fresh()
			if err := json.Unmarshal(upperNames(t, data), upper); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(v, upper, cmp.FilterPath(isExtra, cmp.Ignore())); d != "" {
				t.Errorf("-filled +read in capitals\n%s", d)
			}
		})
	}
}

func isExtra(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "Extra" || f.Name() == "TagSlug")
}

func upperNames(t *testing.T, data []byte) []byte {
	t.Helper()
	var up func(any) any
	up = func(v any) any {
		switch x := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for k, e := range x {
				out[strings.ToUpper(k)] = up(e)
			}
			return out
		case []any:
			for i := range x {
				x[i] = up(x[i])
			}
		}
		return v
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(up(v))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func fill(t *testing.T, v reflect.Value) (n int) {
	t.Helper()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		n++
		switch x := f.Addr().Interface().(type) {
		case *map[string]json.RawMessage:
			*x = map[string]json.RawMessage{"zzUnknown": json.RawMessage(`{"a":[1,null]}`)}
		case *json.RawMessage:
			*x = json.RawMessage(`{"slug":1}`)
		case *string:
			*x = name
		case *Secret:
			*x = Secret(name)
		case *[]Secret:
			*x = []Secret{Secret(name)}
		case *[]string:
			*x = []string{name, ""}
		case **bool:
			*x = new(bool)
		case **int64:
			*x = new(int64)
		default:
			switch f.Kind() {
			case reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
				n += fill(t, f.Elem())
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 2, 2))
				n += fill(t, f.Index(0))
				n += fill(t, f.Index(1))
			default:
				t.Fatalf("%s.%s has type %s, which this test does not know", v.Type(), name, f.Type())
			}
		}
	}
	return n
}
