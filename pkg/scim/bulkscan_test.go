package scim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decoded is what encoding/json makes of a bulk answer.
func decoded(body []byte) ([]wireResult, error) {
	var answer struct {
		Operations *[]wireResult `json:"Operations"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if answer.Operations == nil {
		return nil, errors.New("no operations")
	}
	return *answer.Operations, nil
}

func TestScanBulk(t *testing.T) {
	tests := []struct {
		name, body string
		quick      bool
	}{
		{"usual", `{"schemas":["x"],"Operations":[{"method":"POST","bulkId":"a","location":"https://x/Users/1","version":"W/\"1\"","status":"201","response":{"id":"1","x":[{}]}},{"status":"409","bulkId":"b","response":{"detail":"no"}}]}`, true},
		{"empty", `{"Operations":[]}`, true},
		{"blanks", " { \"Operations\" : [ { \"status\" : \"200\" } , {} ] } \n", true},
		{"unknown members", `{"Operations":[{"extra":{"status":"1"},"status":"200"}],"more":[1,2]}`, true},
		{"a number as status", `{"Operations":[{"status":201}]}`, false},
		{"an object as status", `{"Operations":[{"status":{"code":"201"}}]}`, false},
		{"another case", `{"operations":[{"Status":"201"}]}`, false},
		{"another case below", `{"Operations":[{"BULKID":"a","status":"201"}]}`, false},
		{"twice", `{"Operations":[{"status":"201"}],"Operations":[{"status":"202"}]}`, false},
		{"null", `{"Operations":null}`, false},
		{"no response", `{"Operations":[{"status":"204","response":null}]}`, false},
		{"text as response", `{"Operations":[{"status":"500","response":"oops"}]}`, false},
		{"escaped location", `{"Operations":[{"location":"https:\/\/x","status":"201"}]}`, false},
		{"cut off", `{"Operations":[{"status":"201"}`, false},
		{"something behind", `{"Operations":[]} x`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := scanBulk([]byte(tt.body))
			if ok != tt.quick {
				t.Fatalf("read without a decoder: %v, want %v", ok, tt.quick)
			}
			if !ok {
				return
			}
			want, err := decoded([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]wireResult{}, want...), append([]wireResult{}, got...)); diff != "" {
				t.Errorf("(-decoded +scanned):\n%s", diff)
			}
		})
	}
}

// FuzzScanBulk: what the scanner reads of well-formed JSON is what encoding/json
// reads.
func FuzzScanBulk(f *testing.F) {
	f.Add([]byte(`{"Operations":[{"method":"POST","bulkId":"a","status":"201","response":{"id":"1"}}]}`))
	f.Add([]byte(`{"Operations":[{"status":"9x"},{"version":"W/\"1\"","bulkid":"x"}],"operations":[]}`))
	f.Add([]byte(`{"Operations":[{"status":"-1","status":"2"},null,[]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := scanBulk(body)
		if !ok || !json.Valid(body) {
			return
		}
		want, err := decoded(body)
		if err != nil {
			t.Fatalf("%q is read, but %v", body, err)
		}
		if diff := cmp.Diff(append([]wireResult{}, want...), append([]wireResult{}, got...)); diff != "" {
			t.Errorf("%q (-decoded +scanned):\n%s", body, diff)
		}
	})
}

// TestBulkBodyIsJSON: the body holds the data as it came, and what is no JSON is
// refused rather than sent.
func TestBulkBodyIsJSON(t *testing.T) {
	ops := []BulkOperation{
		op("POST", "/Users", "a<b", `{ "userName" : "}\"{" }`), op("PATCH", "/Users/1", "", "{\n}"), op("DELETE", "/Users/2", "", ""),
	}
	ops[2].Version = `W/"1"`
	body, sent, err := BulkBody(ops, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		FailOnErrors int
		Operations   []BulkOperation
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.FailOnErrors != 3 {
		t.Errorf("failOnErrors %d", got.FailOnErrors)
	}
	if diff := cmp.Diff(sent, got.Operations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"{", `{"a":"b}`, "{}}", "{} {}", "[}", `"`, strings.Repeat("[", 5)} {
		if _, _, err := BulkBody([]BulkOperation{op("POST", "/Users", "", bad)}, 0); err == nil {
			t.Errorf("%q goes into a bulk call", bad)
		}
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	if _, _, err := BulkBody([]BulkOperation{op("POST", "/Users", "", deep)}, 0); err != nil {
		t.Errorf("deep data: %v", err)
	}
}
