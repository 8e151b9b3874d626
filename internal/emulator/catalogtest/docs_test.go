package catalogtest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// section is the text of docs/emulator.md below a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(t), "docs", "emulator.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(raw), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/emulator.md has no heading %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// TestDocumentedFaults: the rules in the documentation are rules, and the keys
// in its table are all that there are.
func TestDocumentedFaults(t *testing.T) {
	text := section(t, "Faults")
	_, block, _ := strings.Cut(text, "\n```\n")
	block, _, _ = strings.Cut(block, "```")
	examples := strings.Fields(block)
	if len(examples) < 3 {
		t.Fatalf("examples %q, want some", examples)
	}
	for _, rule := range examples {
		if _, err := emulator.ParseFault(rule); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
	values := map[string]string{
		"every": "2", "probability": "0.5", "times": "1", "family": "admin", "method": "GET", "path": "/admin", "delay": "1ms", "retry-after": "1",
	}
	keys := regexp.MustCompile("(?m)^\\| `([a-z-]+)=").FindAllStringSubmatch(text, -1)
	if len(keys) != len(values) {
		t.Errorf("%d keys in the table, want %d", len(keys), len(values))
	}
	for _, k := range keys {
		if _, err := emulator.ParseFault("503:" + k[1] + "=" + values[k[1]]); err != nil {
			t.Errorf("key %s: %v", k[1], err)
		}
	}
	for _, action := range []string{"latency", "drop", "cut", "expire-tokens", "ignore-terms", "hide-codes"} {
		if !strings.Contains(text, "| `"+action+"` |") {
			t.Errorf("action %s is not in the table", action)
		}
	}
	for _, name := range emulator.LimitNames() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("limits %s are not documented", name)
		}
	}
}

// TestDocumentedControl: each request of the table is one that the control
// interface takes.
func TestDocumentedControl(t *testing.T) {
	service, err := emulator.New(t.Context(), emulator.Options{Store: memory.New(), Clock: wallClock{}, PasswordCost: 1})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z]+) (/emulator/v1/[a-z]+)").FindAllStringSubmatch(section(t, "The control interface"), -1)
	if len(rows) < 10 {
		t.Fatalf("%d requests in the table, want at least 10", len(rows))
	}
	for _, row := range rows {
		t.Run(row[1]+" "+row[2], func(t *testing.T) {
			req := httptest.NewRequestWithContext(t.Context(), row[1], row[2], strings.NewReader("[]"))
			req.Host, req.RemoteAddr = "127.0.0.1", "127.0.0.1:1"
			req.Header.Set("X-Emulator-Key", service.Credentials().ControlKey)
			rec := httptest.NewRecorder()
			service.Handler().ServeHTTP(rec, req)
			// An empty array fits most of them; 400 says that it was looked at.
			if rec.Code >= http.StatusInternalServerError || rec.Code == http.StatusNotFound ||
				rec.Code == http.StatusMethodNotAllowed || rec.Code == http.StatusUnauthorized {
				t.Errorf("status %d: %s", rec.Code, rec.Body)
			}
		})
	}
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }
