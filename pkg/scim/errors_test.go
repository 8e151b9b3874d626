package scim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseError(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   []byte
		want   *Error
	}{
		{"identity domain", 400, fixture(t, "error_idcs.json"), &Error{
			Status: 400, Detail: "Missing required attribute(s): userName",
			MessageID: "error.common.validation.missingReqAttributes",
			Data:      map[string]any{"attribute": "userName", "count": jsonNumber("1")},
		}},
		{"rfc7644 with control characters", 409, fixture(t, "error_rfc7644.json"), &Error{
			Status: 409, ScimType: "uniqueness", Detail: "userName is taken [31mnow",
		}},
		{"status from the body", 0, []byte(`{"status":"404","detail":"gone"}`), &Error{Status: 404, Detail: "gone"}},
		{"answer's status wins", 503, []byte(`{"status":200,"detail":"x"}`), &Error{Status: 503, Detail: "x"}},
		{"oauth", 401, fixture(t, "error_oauth.json"), &Error{Status: 401, ScimType: "invalid_client", Detail: "Client authentication failed."}},
		{"code and message", 404, fixture(t, "error_code_message.json"), &Error{Status: 404, Detail: "Authorization failed or requested resource not found."}},
		{"upper case names", 400, []byte(`{"Detail":"d","ScimType":"invalidValue"}`), &Error{Status: 400, ScimType: "invalidValue", Detail: "d"}},
		{"html title", 502, fixture(t, "error_gateway.html"), &Error{Status: 502, Detail: "502 Bad Gateway"}},
		{"html without title", 500, []byte("<html><body><h1>Oh</h1>no</body></html>"), &Error{Status: 500, Detail: "Oh no"}},
		{"plain text", 500, []byte("upstream\r\n timed out\x00\n"), &Error{Status: 500, Detail: "upstream timed out"}},
		{"long text", 500, []byte(strings.Repeat("x", 9000)), &Error{Status: 500, Detail: strings.Repeat("x", 500) + "..."}},
		{"array", 400, []byte(`[{"detail":"first"}]`), &Error{Status: 400, Detail: "first"}},
		{"wrapped", 400, []byte(`{"Error":{"detail":"inner","status":"400"}}`), &Error{Status: 400, Detail: "inner"}},
		{"empty", 500, nil, &Error{Status: 500}},
		{"null", 500, []byte("null"), &Error{Status: 500}},
		{"wrong types", 400, []byte(`{"detail":{"a":1},"scimType":[],"status":{}}`), &Error{Status: 400}},
		{"bidi override", 400, []byte("a\u202eb"), &Error{Status: 400, Detail: "ab"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseError("GET", "/base/Users", tt.status, "r1", tt.body)
			tt.want.Op, tt.want.Path, tt.want.RequestID = "GET", "/base/Users", "r1"
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("ParseError(%q): -want +got\n%s", tt.body, d)
			}
			if strings.ContainsAny(got.Error(), "\n\r\x00\x1b") {
				t.Errorf("Error() = %q holds control characters", got.Error())
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Op: "PATCH", Path: "/admin/v1/Users/1", Status: 409, ScimType: "uniqueness", Detail: "taken", MessageID: "error.x", RequestID: "r9", Data: map[string]any{"phone": "secret"}}
	want := "PATCH /admin/v1/Users/1: 409 conflict: taken (uniqueness, error.x, request r9)"
	if e.Error() != want {
		t.Errorf("Error() = %q, want %q", e.Error(), want)
	}
}

func TestErrorIs(t *testing.T) {
	all := map[string]error{
		"invalid": ErrInvalid, "unauthorized": ErrUnauthorized, "forbidden": ErrForbidden, "notfound": ErrNotFound,
		"conflict": ErrConflict, "precondition": ErrPrecondition, "toolarge": ErrTooLarge,
		"throttled": ErrThrottled, "unavailable": ErrUnavailable, "verb": ErrVerb,
	}
	tests := map[int]string{
		400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "notfound", 405: "", 409: "conflict",
		412: "conflict precondition", 413: "toolarge", 429: "throttled unavailable",
		500: "unavailable", 501: "", 503: "unavailable", 599: "unavailable",
	}
	for status, want := range tests {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			err := fmt.Errorf("row 3: %w", &Error{Status: status})
			for name, sentinel := range all {
				wanted := strings.Contains(" "+want+" ", " "+name+" ")
				if got := errors.Is(err, sentinel); got != wanted {
					t.Errorf("errors.Is(%d, %s) = %v, want %v", status, name, got, wanted)
				}
			}
		})
	}
}
