package cmdutil

import (
	"errors"
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// ParseFilter reads a flag with a SCIM filter. Where it is wrong, the input
// with a caret under the place is printed above the error: an error is one
// line.
func (d *Deps) ParseFilter(flag, text string) (filter.Expr, error) {
	if strings.TrimSpace(text) == "" {
		return nil, Usagef("--%s is empty", flag)
	}
	e, err := filter.Parse(text)
	if err == nil {
		return e, nil
	}
	caret := ""
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		caret = syntax.Caret()
	}
	if err := d.ShowPlace(caret); err != nil {
		return nil, err
	}
	return nil, &UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
}

// ShowPlace prints an expression and the caret below it on stderr, as the
// Caret methods of syntax errors make them, unless errors are for programs.
func (d *Deps) ShowPlace(caret string) error {
	if caret == "" || d.Output.Structured() {
		return nil
	}
	for line := range strings.Lines(caret) {
		if _, err := fmt.Fprintln(d.IO.ErrOut, "  "+iostreams.Clean(strings.TrimRight(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
