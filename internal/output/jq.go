package output

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/itchyny/gojq"
)

// compileJQ compiles a jq program without environment, modules and further
// input. ctx ends a program that does not end by itself.
func compileJQ(ctx context.Context, expr string) (*engine, error) {
	query, err := gojq.Parse(expr)
	if err != nil {
		pos := -1
		var syntax *gojq.ParseError
		if errors.As(err, &syntax) {
			pos = syntax.Offset - len(syntax.Token)
		}
		return nil, &QueryError{Flag: "jq", Expr: expr, Pos: pos, Msg: err.Error()}
	}
	code, err := gojq.Compile(query)
	if err != nil {
		// "function not defined: foo/1", "variable not defined: $x".
		_, name, _ := strings.Cut(err.Error(), ": ")
		name, _, _ = strings.Cut(name, "/")
		pos := -1
		if name != "" {
			pos = strings.Index(expr, name)
		}
		return nil, &QueryError{Flag: "jq", Expr: expr, Pos: pos, Msg: err.Error()}
	}
	return &engine{flag: "jq", run: func(doc any) ([]json.RawMessage, error) {
		var out []json.RawMessage
		it := code.RunWithContext(ctx, doc)
		for {
			v, ok := it.Next()
			if !ok {
				return out, nil
			}
			if err, ok := v.(error); ok {
				var halt *gojq.HaltError
				if errors.As(err, &halt) && halt.Value() == nil {
					return out, nil // halt is how a program ends early
				}
				return nil, err
			}
			b, err := gojq.Marshal(v)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}}, nil
}
