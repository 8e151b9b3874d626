package csvio_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/idctl/idctl/internal/transfer/csvio"
)

// TestLines: the number of line ends bounds the number of rows, whatever ends
// them.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		text        string
		lines, rows int64
	}{
		"unix":         {"a,b\n1,2\n3,4\n", 3, 2},
		"windows":      {"a,b\r\n1,2\r\n3,4", 2, 2},
		"old mac":      {"a,b\r1,2\r3,4\r", 3, 2},
		"inside cells": {"a,b\n\"1\n2\n\",2\n", 4, 1},
		"blank lines":  {"\na,b\n\n1,2\n\n", 5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.csv")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := csvio.Open(path, csvio.Options{})
			if err != nil {
				t.Fatal(err)
			}
			rows := int64(0)
			for _, err := range f.Rows(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				rows++
			}
			if f.Lines != tt.lines || rows != tt.rows {
				t.Errorf("%d lines, %d rows", f.Lines, rows)
			}
		})
	}
}
