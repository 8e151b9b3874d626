package output

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jmespath-community/go-jmespath/pkg/api"
	"github.com/jmespath-community/go-jmespath/pkg/functions"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

// QueryError is a --query or --jq expression that does not compile. Nothing
// was sent.
type QueryError struct {
	Flag string // "query" or "jq"
	Expr string
	// Pos is the offset in bytes of what does not fit, len(Expr) at the end,
	// -1 where it is not known.
	Pos int
	Msg string
}

// Error names the flag, the expression and the place.
func (e *QueryError) Error() string {
	if e.Pos < 0 {
		return fmt.Sprintf("--%s %q: %s", e.Flag, e.Expr, e.Msg)
	}
	return fmt.Sprintf("--%s %q: column %d: %s", e.Flag, e.Expr, utf8.RuneCountInString(e.Expr[:e.clamp()])+1, e.Msg)
}

// Hint says which language the flag speaks.
func (e *QueryError) Hint() string {
	if e.Flag == "jq" {
		return "--jq takes the language of jq, --query takes JMESPath"
	}
	return "--query takes JMESPath, --jq takes the language of jq"
}

// ExitCode is the code of a usage error.
func (e *QueryError) ExitCode() int { return 64 }

// Caret returns the expression, a line break and a caret under the place;
// nothing where the place is not known.
func (e *QueryError) Caret() string {
	if e.Pos < 0 {
		return ""
	}
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, e.Expr)
	return line + "\n" + strings.Repeat(" ", utf8.RuneCountInString(e.Expr[:e.clamp()])) + "^"
}

func (e *QueryError) clamp() int { return max(0, min(e.Pos, len(e.Expr))) }

// engine evaluates one compiled expression on decoded JSON documents.
type engine struct {
	flag string
	// run answers the results on one document; the document is made of the
	// types that encoding/json makes, numbers being json.Number.
	run func(doc any) ([]json.RawMessage, error)
}

// search is run with whatever goes wrong inside of an engine as an error:
// neither may end the program over a document that it does not expect.
func (e *engine) search(doc any) (out []json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, &evalError{e.flag, errors.New("the expression cannot be evaluated on this document")}
		}
	}()
	out, err = e.run(doc)
	if err != nil && !ended(err) {
		err = &evalError{e.flag, err}
	}
	return out, err
}

// evalError is an expression that fails on a document, or results that do not
// fit the format: no fault of writing.
type evalError struct {
	flag string
	err  error
}

func (e *evalError) Error() string { return "--" + e.flag + ": " + e.err.Error() }
func (e *evalError) Unwrap() error { return e.err }

// ended says whether the command itself was interrupted.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func compileJMESPath(expr string) (*engine, error) {
	fail := func(pos int, msg string) error { return &QueryError{Flag: "query", Expr: expr, Pos: pos, Msg: msg} }
	tree, err := parsing.NewParser().Parse(expr)
	if err != nil {
		pos := -1
		var syntax parsing.SyntaxError
		if errors.As(err, &syntax) {
			pos = syntax.Offset
		}
		return nil, fail(pos, plainly(lowerFirst(strings.TrimPrefix(err.Error(), "SyntaxError: "))))
	}
	if name, ok := unknownFunction(tree); ok {
		return nil, fail(strings.Index(expr, name), "there is no function "+name)
	}
	compiled, err := api.Compile(expr)
	if err != nil {
		return nil, fail(-1, err.Error())
	}
	return &engine{flag: "query", run: func(doc any) ([]json.RawMessage, error) {
		v, err := compiled.Search(floats(doc))
		if err != nil {
			return nil, errors.New(plainly(err.Error()))
		}
		b, err := marshal(v)
		if err != nil {
			return nil, err
		}
		return []json.RawMessage{b}, nil
	}}, nil
}

// plainly takes the engine's own Go out of its messages.
func plainly(msg string) string {
	if i := strings.Index(msg, "[]functions.JpType{"); i >= 0 {
		list := strings.TrimSuffix(msg[i+len("[]functions.JpType{"):], "}")
		msg = msg[:i] + strings.ReplaceAll(list, `"`, "")
	}
	return strings.NewReplacer("<nil>", "null", "TOKUnquotedIdentifier", "a name", "TOKQuotedIdentifier", "a quoted name",
		"TOKEOF", "the end", "TOK", "").Replace(msg)
}

// unknownFunction finds a function that JMESPath does not have, which the
// engine itself would tell only when it calls it.
func unknownFunction(n parsing.ASTNode) (string, bool) {
	known := map[string]bool{}
	for _, f := range functions.GetDefaultFunctions() {
		known[f.Name] = true
	}
	var find func(parsing.ASTNode) (string, bool)
	find = func(n parsing.ASTNode) (string, bool) {
		if name, ok := n.Value.(string); ok && n.NodeType == parsing.ASTFunctionExpression && !known[name] {
			return name, true
		}
		for _, c := range n.Children {
			if name, found := find(c); found {
				return name, true
			}
		}
		return "", false
	}
	return find(n)
}

// floats gives numbers the only type that JMESPath computes with. One that
// would lose digits by that stays as it is: it can be chosen and printed.
func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v
		}
		if b, err := json.Marshal(f); err != nil || !strings.ContainsAny(v.String(), ".eE") && string(b) != v.String() {
			return v
		}
		return f
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = floats(x)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = floats(x)
		}
		return out
	}
	return v
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// Prepare compiles --query or --jq, once the flags are parsed. From then on
// commands see a format of documents, for that is what a query works on; the
// results are printed in the format that was asked for. ctx ends a program
// that runs for too long.
func (o *Options) Prepare(ctx context.Context) error {
	var err error
	switch {
	case o.Query == "" && o.JQ == "" || o.engine != nil:
		return nil
	case o.Query != "" && o.JQ != "":
		return &QueryError{Flag: "query", Expr: o.Query, Pos: -1, Msg: "--query and --jq exclude each other"}
	case o.Query != "":
		o.engine, err = compileJMESPath(o.Query)
	default:
		o.engine, err = compileJQ(ctx, o.JQ)
	}
	if err != nil {
		return err
	}
	o.shape = o.Format
	if o.Format != JSONL {
		o.Format = JSON
	}
	return nil
}

// Queried says whether results of a query are printed in place of documents.
func (o *Options) Queried() bool { return o.engine != nil }

// Answered says whether a document was printed by way of the query.
func (o *Options) Answered() bool { return o.answered }
