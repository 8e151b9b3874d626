package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadReceipt(t *testing.T) {
	tests := []struct {
		name, body string
		want       Receipt
		quick      bool
	}{
		{"usual", `{"id":"a1","meta":{"version":"v1","resourceType":"User"},"userName":"ada"}`, Receipt{"a1", "v1"}, true},
		{"etag", `{"id":"a1","meta":{"version":"W/\"3694e05e9dff590\""}}`, Receipt{"a1", `W/"3694e05e9dff590"`}, true},
		{"blanks", " {\n \"id\" : \"a1\" ,\t\"meta\" : { \"version\" : \"v\" } }\r\n", Receipt{"a1", "v"}, true},
		{"id of something else first", `{"manager":{"id":"no"},"list":[{"id":"no"},["id"]],"id":"a1"}`, Receipt{"a1", ""}, true},
		{"quotes and brackets in text", `{"a":"\\","b":"}{\"]","id":"a1","c":"\\\""}`, Receipt{"a1", ""}, true},
		{"last one counts", `{"id":"a1","id":"a2","meta":{"version":"1"}}`, Receipt{"a2", "1"}, false},
		{"last meta counts", `{"meta":{"version":"1"},"x":1,"meta":{"version":"2"},"id":"a"}`, Receipt{"a", "2"}, false},
		{"last version counts", `{"id":"a","meta":{"version":"1","version":"2"}}`, Receipt{"a", "2"}, false},
		{"a meta without a version", `{"meta":{"created":"x"},"id":"a"}`, Receipt{"a", ""}, true},
		{"no further than needed", `{"id":"a","meta":{"version":"v"},"x":`, Receipt{"a", "v"}, true},
		{"nothing", `{}`, Receipt{}, true},
		{"numbers and words", `{"n":-1.5e3,"t":true,"z":null,"id":"a1"}`, Receipt{"a1", ""}, true},
		{"another case", `{"ID":"a1","Meta":{"Version":"v"}}`, Receipt{"a1", "v"}, false},
		{"both cases", `{"ID":"a1","id":"a2"}`, Receipt{"a2", ""}, false},
		{"escaped name", `{"\u0069d":"a1"}`, Receipt{"a1", ""}, false},
		{"escaped id", `{"id":"\u0061"}`, Receipt{"a", ""}, false},
		{"number as id", `{"id":17}`, Receipt{"17", ""}, false},
		{"null as id", `{"id":null}`, Receipt{}, false},
		{"number as version", `{"id":"a","meta":{"version":3}}`, Receipt{"a", "3"}, false},
		{"meta is no object", `{"id":"a","meta":"x"}`, Receipt{"a", ""}, false},
		{"name outside ASCII", `{"größe":1,"id":"a"}`, Receipt{"a", ""}, false},
		{"deep", `{"a":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `,"id":"a"}`, Receipt{"a", ""}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadReceipt([]byte(tt.body))
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
			if _, ok := scanReceipt([]byte(tt.body)); ok != tt.quick {
				t.Errorf("read without a decoder: %v, want %v", ok, tt.quick)
			}
		})
	}
	for _, body := range []string{
		"", "null", "[]", `"id"`, `<html>`, `{`, `{"id":"a"`, `{"id":"a",}`, `{"id" "a"}`, `{"id":"a"}}`, `{"id":"a"} {}`,
		`{"a":[}],"id":"a"}`, `{"a":"open}`, `{,}`, `{"a":,"id":"b"}`,
	} {
		if got, err := ReadReceipt([]byte(body)); err == nil {
			t.Errorf("%q is read as %+v", body, got)
		}
	}
}

// FuzzReceipt compares with what Document finds. What encoding/json accepts must
// be read alike; the scanner may take more.
func FuzzReceipt(f *testing.F) {
	for _, s := range []string{
		`{"id":"a1","meta":{"version":"W/\"3\""},"x":[1,{"y":"\\"}]}`, `{"ID":"a"}`, `{"id":1,"meta":null}`,
		`{"meta":{"version":"a","version":"b"},"id":"x","id":null}`, `{"id":"a","m":"\ud800"}`, `{"verſion":1}`, `{}`, `null`,
		`{"id":"a","x":tru e}`, `{"id":"\\"}`, `{"meta":{"id":"a","version":"\\\""}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ReadReceipt(body)
		var d Document
		if json.Unmarshal(body, &d) != nil || d == nil || doubled(body) {
			return
		}
		want := Receipt{d.ID(), d.Version()}
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", body, got, err, want)
		}
	})
}

// TestReceiptWrites sends the same writes both ways.
func TestReceiptWrites(t *testing.T) {
	answers := map[string]*Response{
		"resource": {Status: 201, Body: []byte(`{"id":"a1","meta":{"version":"v1"}}`)},
		"nothing":  {Status: 202},
		"blanks":   {Status: 204, Body: []byte(" \n")},
		"html":     {Status: 200, Body: []byte("<html>"), Header: http.Header{"Content-Type": {"text/html"}}},
		"conflict": {Status: 409, Body: []byte(`{"detail":"taken","scimType":"uniqueness"}`)},
		"redirect": {Status: 302},
	}
	doc := Document{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "ada"}
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	ops := []PatchOp{{Op: "replace", Path: "title", Value: "Countess"}}
	opts := WriteOptions{RetryToken: "token", IfMatch: "v0", Attributes: []string{"id"}}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			type sent struct {
				Method, Path, Query, Body, Token string
				Header                           http.Header
				Idempotent, Direct               bool
			}
			var got []sent
			s := NewClient(DoerFunc(func(_ context.Context, r *Request) (*Response, error) {
				got = append(got, sent{r.Method, r.Path, r.Query.Encode(), string(r.Body), r.RetryToken, r.Header, r.Idempotent, r.Direct})
				out := *answer
				return &out, nil
			}), Options{BasePath: "/scim"}).Documents(Type[Document]{Name: "User", Path: "/Users", Ops: Create | Patch})
			for _, write := range []struct {
				whole func() (Document, error)
				brief func() (Receipt, error)
			}{
				{
					func() (Document, error) { return s.Create(t.Context(), doc, opts) },
					func() (Receipt, error) { return s.CreateReceipt(t.Context(), body, opts) },
				},
				{
					func() (Document, error) { return s.Patch(t.Context(), "a b", ops, opts) },
					func() (Receipt, error) { return s.PatchReceipt(t.Context(), "a b", ops, opts) },
				},
			} {
				got = nil
				d, wholeErr := write.whole()
				r, briefErr := write.brief()
				if (wholeErr == nil) != (briefErr == nil) || r != (Receipt{d.ID(), d.Version()}) {
					t.Errorf("%+v, %v and %+v, %v", d, wholeErr, r, briefErr)
				}
				if !got[1].Direct || got[0].Direct {
					t.Error("the brief one takes the short way, the other the long one")
				}
				got[1].Direct = false
				if diff := cmp.Diff(got[0], got[1]); diff != "" {
					t.Errorf("sent (-whole +brief):\n%s", diff)
				}
				for _, target := range []error{ErrConflict, ErrBadResponse} {
					if errors.Is(wholeErr, target) != errors.Is(briefErr, target) {
						t.Errorf("%v, but %v", wholeErr, briefErr)
					}
				}
			}
		})
	}
	s := NewClient(nil, Options{}).Documents(Type[Document]{Name: "Key", Path: "/Keys", Ops: Get})
	if _, err := s.CreateReceipt(t.Context(), body, opts); !errors.Is(err, ErrVerb) {
		t.Errorf("a type without create: %v", err)
	}
	if _, err := s.PatchReceipt(t.Context(), "x", ops, opts); !errors.Is(err, ErrVerb) {
		t.Errorf("a type without patch: %v", err)
	}
}

// doubled says that an object has two members whose names differ in case at
// most. Which one counts is nobody's to say (RFC 8259 section 4).
func doubled(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	type level struct {
		seen  map[string]bool
		value bool // the next token of an object is a value
	}
	var stack []*level
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		var top *level
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, &level{seen: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, &level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
			continue
		default:
			if name, ok := tok.(string); ok && top != nil && top.seen != nil && !top.value {
				fold := strings.ToLower(name)
				if top.seen[fold] {
					return true
				}
				top.seen[fold], top.value = true, true
				continue
			}
		}
		if top != nil {
			top.value = false
		}
	}
}
