package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/schema"
)

func attr(typ schema.Type, change ...func(*schema.Attribute)) *schema.Attribute {
	a := &schema.Attribute{Name: "x", Type: typ}
	for _, f := range change {
		f(a)
	}
	return a
}

func bounds(low, high int64) func(*schema.Attribute) {
	return func(a *schema.Attribute) { a.MinValue, a.MaxValue = &low, &high }
}

func lengths(low, high int) func(*schema.Attribute) {
	return func(a *schema.Attribute) { a.MinLength, a.MaxLength = low, high }
}

func canonical(values ...string) func(*schema.Attribute) {
	return func(a *schema.Attribute) { a.CanonicalValues = values }
}

func multi(a *schema.Attribute) { a.MultiValued = true }

func exact(a *schema.Attribute) { a.CaseExact = true }

func TestCheckSimple(t *testing.T) {
	tests := []struct {
		name  string
		attr  *schema.Attribute
		value any
		want  schema.Code // empty: passes
	}{
		{"null", attr(schema.TypeInteger), nil, ""},
		{"string", attr(schema.TypeString), "s", ""},
		{"string by default", attr(""), "s", ""},
		{"string, number", attr(schema.TypeString), json.Number("1"), schema.CodeType},
		{"string, boolean", attr(schema.TypeString), true, schema.CodeType},
		{"string, object", attr(schema.TypeString), map[string]any{}, schema.CodeType},
		{"string, array", attr(schema.TypeString), []any{"s"}, schema.CodeMultiValued},
		{"boolean", attr(schema.TypeBoolean), false, ""},
		{"boolean, text", attr(schema.TypeBoolean), "true", schema.CodeType},
		{"integer", attr(schema.TypeInteger), json.Number("-12"), ""},
		{"integer, large", attr(schema.TypeInteger), json.Number("123456789012345678901234567890"), ""},
		{"integer, float64", attr(schema.TypeInteger), 5.0, ""},
		{"integer, float64 with fraction", attr(schema.TypeInteger), 5.5, schema.CodeFormat},
		{"integer, int64", attr(schema.TypeInteger), int64(5), ""},
		{"integer, fraction", attr(schema.TypeInteger), json.Number("1.0"), schema.CodeFormat},
		{"integer, exponent", attr(schema.TypeInteger), json.Number("1e2"), schema.CodeFormat},
		{"integer, text", attr(schema.TypeInteger), "5", schema.CodeType},
		{"integer, no number", attr(schema.TypeInteger), json.Number("x"), schema.CodeType},
		{"integer, null inside of Number", attr(schema.TypeInteger), json.Number("null"), schema.CodeType},
		{"lowest", attr(schema.TypeInteger, bounds(2, 5)), 2, ""},
		{"highest", attr(schema.TypeInteger, bounds(2, 5)), 5, ""},
		{"too low", attr(schema.TypeInteger, bounds(2, 5)), 1, schema.CodeRange},
		{"too high", attr(schema.TypeInteger, bounds(2, 5)), 6, schema.CodeRange},
		{"beyond int64", attr(schema.TypeInteger, bounds(0, math.MaxInt64)), json.Number("9223372036854775808"), schema.CodeRange},
		{"below int64", attr(schema.TypeInteger, bounds(math.MinInt64, 0)), json.Number("-9223372036854775809"), schema.CodeRange},
		{"decimal", attr(schema.TypeDecimal), json.Number("1.5e3"), ""},
		{"decimal, NaN", attr(schema.TypeDecimal), math.NaN(), schema.CodeType},
		{"dateTime", attr(schema.TypeDateTime), "2024-03-01T12:00:00.123456789+02:00", ""},
		{"dateTime, lower case", attr(schema.TypeDateTime), "2024-03-01t12:00:00z", ""},
		{"dateTime, no offset", attr(schema.TypeDateTime), "2024-03-01T12:00:00", schema.CodeFormat},
		{"dateTime, date only", attr(schema.TypeDateTime), "2024-03-01", schema.CodeFormat},
		{"dateTime, no such day", attr(schema.TypeDateTime), "2023-02-29T12:00:00Z", schema.CodeFormat},
		{"dateTime, short hour", attr(schema.TypeDateTime), "2024-03-01T1:00:00Z", schema.CodeFormat},
		{"dateTime, comma", attr(schema.TypeDateTime), "2024-03-01T12:00:00,5Z", schema.CodeFormat},
		{"dateTime, number", attr(schema.TypeDateTime), json.Number("1"), schema.CodeType},
		{"binary", attr(schema.TypeBinary), "aGk/", ""},
		{"binary, URL alphabet", attr(schema.TypeBinary), "-_-_", ""},
		{"binary, padded", attr(schema.TypeBinary), "aA==", ""},
		{"binary, no padding", attr(schema.TypeBinary), "aA", ""},
		{"binary, mixed alphabets", attr(schema.TypeBinary), "+_+_", schema.CodeFormat},
		{"binary, line break", attr(schema.TypeBinary), "aG\nk/", schema.CodeFormat},
		{"binary, bad length", attr(schema.TypeBinary), "a", schema.CodeFormat},
		{"reference", attr(schema.TypeReference), "https://example.com/admin/v1/Users/1", ""},
		{"reference, relative", attr(schema.TypeReference), "../Users/1", ""},
		{"reference, not a URI", attr(schema.TypeReference), "http://[::1", schema.CodeFormat},
		{"shortest, in characters", attr(schema.TypeString, lengths(2, 3)), "éé", ""},
		{"longest, in characters", attr(schema.TypeString, lengths(2, 3)), "ééé", ""},
		{"too short", attr(schema.TypeString, lengths(2, 3)), "é", schema.CodeLength},
		{"too long", attr(schema.TypeString, lengths(2, 3)), "éééé", schema.CodeLength},
		{"canonical", attr(schema.TypeString, canonical("work", "home")), "HOME", ""},
		{"canonical, case exact", attr(schema.TypeString, canonical("work"), exact), "WORK", schema.CodeCanonical},
		{"not canonical", attr(schema.TypeString, canonical("work")), "other", schema.CodeCanonical},
		{"canonical number", attr(schema.TypeInteger, canonical("1", "2")), json.Number("2"), ""},
		{"not a canonical number", attr(schema.TypeInteger, canonical("1", "2")), json.Number("3"), schema.CodeCanonical},
		{"array", attr(schema.TypeString, multi), []any{"a", "b"}, ""},
		{"array of strings", attr(schema.TypeString, multi), []string{"a"}, ""},
		{"empty array", attr(schema.TypeString, multi), []any{}, ""},
		{"no array", attr(schema.TypeString, multi), "a", schema.CodeMultiValued},
		{"array in an array", attr(schema.TypeString, multi), []any{[]any{"a"}}, schema.CodeType},
		{"null in an array", attr(schema.TypeString, multi), []any{nil}, schema.CodeType},
		{"complex, text", attr(schema.TypeComplex), "a", schema.CodeType},
		{"complex, any shape", attr(schema.TypeComplex), map[string]any{"a": 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.attr.Check(tt.value)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Check(%v): %v", tt.value, err)
				}
				return
			}
			var ve *schema.ValueError
			if !errors.As(err, &ve) || !errors.Is(err, schema.ErrValue) || ve.Code != tt.want {
				t.Errorf("Check(%v): %v (%+v), want code %s", tt.value, err, ve, tt.want)
			}
		})
	}
}

func TestCheckLenient(t *testing.T) {
	a := attr(schema.TypeBoolean)
	for value, want := range map[any]bool{"true": true, "FALSE": true, true: true, "yes": false, "": false, 1: false} {
		if err := a.CheckLenient(value); (err == nil) != want {
			t.Errorf("CheckLenient(%#v): %v, want ok %v", value, err, want)
		}
	}
}

func TestCheckComplex(t *testing.T) {
	emails := userType(t).Core.Attribute("emails")
	tests := []struct {
		name, value string
		want        []string
	}{
		{"good", `[{"value": "a@example.com", "type": "work"}]`, nil},
		{"case of names", `[{"VALUE": "a@example.com", "Type": "HOME"}]`, nil},
		{"a default stands in for a required one", `[{"value": "a@example.com"}]`, nil},
		{"required is missing", `[{"value": "a"}, {"type": "work"}]`, []string{"emails[1].value required"}},
		{"required is null", `[{"value": null}]`, []string{"emails[0].value required"}},
		{"required is empty", `[{"value": ""}]`, []string{"emails[0].value required"}},
		{"unknown", `[{"value": "a", "colour": 1}]`, []string{"emails[0].colour unknown"}},
		{"twice", `[{"value": "a", "Value": "b"}]`, []string{"emails[0].value duplicate"}},
		{
			"several", `[{"colour": 1, "type": "spare"}, 5]`,
			[]string{"emails[0].colour unknown", "emails[0].type canonical", "emails[0].value required", "emails[1] type"},
		},
		{"object for an array", `{"value": "a"}`, []string{"emails multiValued"}},
		{"sub-attribute of a wrong type", `[{"value": 5}]`, []string{"emails[0].value type"}},
		{"array for a single sub-attribute", `[{"value": ["a"]}]`, []string{"emails[0].value multiValued"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(tt.value), &v); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range emails.CheckAll(v, schema.CheckOptions{}) {
				got = append(got, fmt.Sprintf("%s %s", e.Path, e.Code))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("CheckAll(%s) (-want +got):\n%s", tt.value, diff)
			}
		})
	}
}

func TestErrorsHideValues(t *testing.T) {
	const secret = "tr0ub4dor"
	for _, a := range []*schema.Attribute{
		attr(schema.TypeBoolean), attr(schema.TypeInteger), attr(schema.TypeDateTime), attr(schema.TypeComplex),
		attr(schema.TypeString, lengths(0, 2)), attr(schema.TypeString, canonical("a")), attr(schema.TypeString, multi),
		attr(schema.TypeBinary, lengths(0, 2)),
	} {
		err := a.Check(secret)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v, want one without the value", a.Type, err)
		}
	}
}
