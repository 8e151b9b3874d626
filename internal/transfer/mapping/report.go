package mapping

import (
	"context"
	"errors"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
)

// Finding is a problem with its place in the file. Row is 0 for one of the
// header or of the file as a whole.
type Finding struct {
	Row       int    `json:"row,omitempty"`
	Line      int    `json:"line,omitempty"`
	Key       string `json:"key,omitempty"`
	Column    string `json:"column,omitempty"`
	Attribute string `json:"attribute,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Warning   bool   `json:"warning,omitempty"`
}

// Report is everything that can be said of a file without asking a service.
type Report struct {
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	Hash      string         `json:"hash"`
	Delimiter string         `json:"delimiter"`
	Encoding  string         `json:"encoding"`
	Headers   []HeaderReport `json:"headers"`
	// Rows counts the rows read, of which Good would be sent, with or without
	// a warning.
	Rows     int `json:"rows"`
	Good     int `json:"good"`
	Rejected int `json:"rejected"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Codes counts the problems by code.
	Codes map[string]int `json:"codes,omitempty"`
	// Findings are the problems in the order of the file. Omitted counts those
	// left out once there were more than the limit.
	Findings []Finding `json:"findings,omitempty"`
	Omitted  int       `json:"omitted,omitempty"`
	// Complete is false when the file could not be read to its end, or its
	// columns do not fit together.
	Complete bool `json:"complete"`
}

// OK says whether an import of the file would reject nothing.
func (r *Report) OK() bool { return r.Complete && r.Errors == 0 }

// Codes of findings about the file, beside those of rows.
const (
	CodeUnknownColumn = "unknown-column"
	CodeNoRows        = "no-rows"
	CodeUnclosedQuote = "unclosed-quote"
	CodeMapping       = "bad-mapping"
	CodeNoKey         = "no-key-column"
)

// maxFindings bounds what a report keeps of a file that is wrong throughout.
const maxFindings = 10_000

func (r *Report) add(f Finding) {
	r.Codes[f.Code]++
	if f.Warning {
		r.Warnings++
	} else {
		r.Errors++
	}
	if len(r.Findings) >= maxFindings {
		r.Omitted++
		return
	}
	r.Findings = append(r.Findings, f)
}

// Check reads a whole file and reports everything that is wrong with it at
// once. It returns an error only when the file cannot be read at all.
func Check(ctx context.Context, file *csvio.File, typ string, o Options) (*Report, error) {
	if err := checkType(typ); err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = file.Path
	}
	r := &Report{
		Type: typ, Name: o.Name, Hash: file.Hash, Delimiter: string(file.Delimiter), Encoding: string(file.Encoding),
		Codes: map[string]int{},
	}
	src, err := r.source(file, typ, o)
	if err != nil {
		return nil, err
	}
	if src == nil {
		return r, nil
	}
	r.absent(src)
	for item, err := range src.Items(ctx) {
		var quote *csvio.QuoteError
		if errors.As(err, &quote) {
			r.add(Finding{Line: quote.Line, Code: CodeUnclosedQuote, Message: quote.Error()})
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		r.row(item)
	}
	if r.Rows == 0 {
		r.add(Finding{Code: CodeNoRows, Message: csvio.ErrNoRows.Error(), Warning: true})
	}
	r.Complete = true
	return r, nil
}

// source maps the columns. Unknown ones are reported and the rest is still
// checked; nil means that the columns do not allow that.
func (r *Report) source(file *csvio.File, typ string, o Options) (*Source, error) {
	p, err := newPlan(typ, file.Header, o)
	if p != nil {
		r.Headers = p.headers
	}
	var unknown *UnknownColumnsError
	if errors.As(err, &unknown) {
		for _, u := range unknown.Columns {
			f := Finding{Line: file.HeaderLine, Column: u.Header, Code: CodeUnknownColumn, Message: "column is unknown"}
			if len(u.Suggestions) > 0 {
				f.Message += "; did you mean " + u.Suggestions[0].Column + "?"
			}
			r.add(f)
		}
		o.IgnoreUnknown = true
	}
	src, err := NewSource(file, typ, o)
	switch {
	case errors.Is(err, ErrNoKey):
		r.add(Finding{Line: file.HeaderLine, Code: CodeNoKey, Message: err.Error()})
		return nil, nil
	case errors.Is(err, ErrMapping):
		r.add(Finding{Line: file.HeaderLine, Code: CodeMapping, Message: err.Error()})
		return nil, nil
	}
	return src, err
}

// absent warns once of what a new user needs and the file has no column for.
func (r *Report) absent(src *Source) {
	if src.plan.opts.ForCreate {
		return // said of each row
	}
	s := &spec{plan: src.plan, vals: make([]value, len(src.plan.binds))}
	for _, p := range s.CreateProblems() {
		if p.Column == "" && !hasEmail(src.plan, p) {
			r.add(Finding{
				Line: src.file.HeaderLine, Attribute: p.Attribute, Code: p.Code, Warning: true,
				Message: p.Message + "; without a column for it the file can only change users",
			})
		}
	}
}

// hasEmail says that the file has some column that could hold the address.
func hasEmail(p *plan, pr transfer.Problem) bool {
	if pr.Attribute != slot("emails", "work", "value") {
		return false
	}
	for i := range p.binds {
		if p.binds[i].col.Kind == Email {
			return true
		}
	}
	return false
}

func (r *Report) row(item *transfer.Item) {
	r.Rows++
	if item.Rejected() {
		r.Rejected++
	} else {
		r.Good++
	}
	for _, p := range item.Problems {
		r.add(Finding{
			Row: item.Row, Line: item.Line, Key: item.Key, Column: p.Column, Attribute: p.Attribute,
			Code: p.Code, Message: p.Message, Warning: p.Warning,
		})
	}
}
