package granting

import (
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
)

// toldOneByOne is how many successes are told a line each; of more, the
// summary says how many.
const toldOneByOne = 20

// Outcome is what came of one grant, as programs read it.
type Outcome struct {
	// What is app, app role or group; Access is its name.
	What   string `json:"what"`
	Access string `json:"access"`
	// Grantee is the name of who gets or loses it, GranteeType user, group or
	// app.
	Grantee     string `json:"grantee"`
	GranteeType string `json:"granteeType"`
	GranteeID   string `json:"granteeId,omitempty"`
	// Result is granted, revoked, added, removed, unchanged, refused or
	// failed; in a dry run "would be granted".
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	// Remains are the ways by which the access is still there.
	Remains []string `json:"remains,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// NewPrinter prints outcomes.
func NewPrinter(d *cmdutil.Deps) output.Printer[Outcome] {
	return output.New(d.Output, output.Spec[Outcome]{
		Columns: []output.Column[Outcome]{
			{Name: "Access", Path: "access", Get: func(o *Outcome) string { return o.Access }},
			{Name: "Grantee", Path: "grantee", Get: func(o *Outcome) string { return o.Grantee }},
			{Name: "Kind", Path: "granteeType", Get: func(o *Outcome) string { return o.GranteeType }},
			{Name: "Result", Path: "result", Get: func(o *Outcome) string { return o.Result }},
			{Name: "Why", Path: "why", Get: func(o *Outcome) string { return o.Why }},
			{Name: "Remains", Path: "remains", Get: func(o *Outcome) string { return strings.Join(o.Remains, ", ") }},
			{Name: "What", Path: "what", Wide: true, Get: func(o *Outcome) string { return o.What }},
			{Name: "Error", Path: "error", Wide: true, Get: func(o *Outcome) string { return o.Error }},
		},
		Key: func(o *Outcome) string { return o.Grantee },
	})
}

// Results of an outcome.
const (
	granted   = "granted"
	revoked   = "revoked"
	added     = "added"
	removed   = "removed"
	unchanged = "unchanged"
	refused   = "refused"
	failed    = "failed"
)

// report tells outcomes as they come.
type report struct {
	d      *cmdutil.Deps
	print  output.Printer[Outcome]
	prep   string // to or from
	dry    bool
	tally  *directory.Tally
	rows   *output.Writer[Outcome]
	counts map[string]int
	good   int
	total  int
}

func newReport(d *cmdutil.Deps, p output.Printer[Outcome], verb, prep string, dry bool) (*report, error) {
	r := &report{d: d, print: p, prep: prep, dry: dry, counts: map[string]int{}}
	r.tally = directory.NewTally(&directory.Base{Deps: d, Kind: directory.Kind{Noun: "grant", Plural: "grants"}}, verb)
	if dry || !directory.Tabular(d.Output.Format) {
		var err error
		if r.rows, err = p.Begin(d.IO); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// tell reports one outcome; failure is the error behind it.
func (r *report) tell(o Outcome, failure error) error {
	r.total++
	if failure != nil {
		o.Error = failure.Error()
		if err := r.tally.Fail(failure); err != nil {
			return err
		}
	} else {
		r.tally.OK()
		r.good++
	}
	if r.dry && o.Result != unchanged && failure == nil {
		o.Result = "would be " + o.Result
	}
	r.counts[o.Result]++
	if r.rows != nil {
		if failure != nil && r.d.Output.Format == output.Name {
			return nil
		}
		if err := r.rows.Row(&o); err != nil {
			return fmt.Errorf("%w: %w", directory.ErrWrite, err)
		}
	}
	if failure == nil && (r.rows == nil && r.good <= toldOneByOne || len(o.Remains) > 0) {
		return directory.Note(r.d, "%s", r.sentence(&o))
	}
	return nil
}

func (r *report) sentence(o *Outcome) string {
	who := o.GranteeType + " " + o.Grantee
	what := o.Access
	if o.What == "group" {
		what = "group " + what
	}
	var s string
	switch {
	case o.Result == unchanged:
		s = who + " " + o.Why
	case o.What == "group":
		s = fmt.Sprintf("%s %s %s %s", o.Result, who, r.prep, what)
	default:
		s = fmt.Sprintf("%s %s %s %s", o.Result, what, r.prep, who)
	}
	if len(o.Remains) > 0 {
		s += "; the access remains " + strings.Join(o.Remains, ", ")
	}
	return s
}

// end is the summary and the error of the whole.
func (r *report) end(stop error) error {
	if r.rows != nil {
		if err := r.rows.End(); err != nil {
			return err
		}
	}
	err := r.tally.End(stop)
	if r.total < 2 {
		if r.total == 0 && stop == nil {
			return r.d.Note("nobody is named, nothing to do")
		}
		return err
	}
	var parts []string
	for _, word := range []string{granted, revoked, added, removed, unchanged, refused, failed} {
		for _, w := range []string{word, "would be " + word} {
			if n := r.counts[w]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, w))
			}
		}
	}
	if nerr := r.d.Note("%d grants: %s", r.total, strings.Join(parts, ", ")); nerr != nil && err == nil {
		return nerr
	}
	return err
}
