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
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) && !d.Output.Structured() {
		for line := range strings.Lines(syntax.Caret()) {
			if _, werr := fmt.Fprintln(d.IO.ErrOut, "  "+iostreams.Clean(strings.TrimRight(line, "\n"))); werr != nil {
				return nil, werr
			}
		}
	}
	return nil, &UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
}
