package importcmd

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/runner"
)

func summaryJSON(s *runner.Summary) (json.RawMessage, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	return data, nil
}

func (j *job) writeSummary(data json.RawMessage) error {
	data = append(data, '\n')
	if j.Summary == "-" {
		if _, err := j.IO.Out.Write(data); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
		return nil
	}
	return atomicfile.Write(j.Summary, data)
}

// writeRejects writes the rows that are not done, in the form of the input. It
// writes the file also when there are none: a script that looks for rows finds
// a header and no rows, and never those of an earlier run.
func writeRejects(ctx context.Context, path string, file *csvio.File, report *runner.Report) error {
	w, err := csvio.Create(path, file.Format())
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	fail := func(err error) error { return errors.Join(fmt.Errorf("rejects: %w", err), w.Abort()) }
	rejects, err := csvio.NewRejects(w.Writer, file)
	if err != nil {
		return fail(err)
	}
	for line, err := range report.Rejects(ctx) {
		if err != nil {
			return fail(err)
		}
		err = rejects.Write(csvio.Reject{
			Row: line.Item.Row, Line: line.Item.Line, Cells: line.Item.Cells, Code: line.Reason.Code, Message: iostreams.Clean(line.Reason.Text),
		})
		if err != nil {
			return fail(err)
		}
	}
	if err := w.Commit(); err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	return nil
}

// testCase is one row of a JUnit report.
type testCase struct {
	XMLName xml.Name      `xml:"testcase"`
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr,omitempty"`
}

// writeJUnit writes a report that CI systems show: one test case a row.
// Rejected and failed rows are failures, unknown ones errors.
func writeJUnit(ctx context.Context, path, name string, s *runner.Summary, report *runner.Report) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return fmt.Errorf("JUnit report: %w", err)
	}
	if err := junit(ctx, f, name, s, report); err != nil {
		return errors.Join(fmt.Errorf("JUnit report: %w", err), f.Abort())
	}
	return f.Commit()
}

func junit(ctx context.Context, w io.Writer, name string, s *runner.Summary, report *runner.Report) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	attr := func(name string, value any) xml.Attr {
		return xml.Attr{Name: xml.Name{Local: name}, Value: fmt.Sprint(value)}
	}
	suite := xml.StartElement{Name: xml.Name{Local: "testsuite"}, Attr: []xml.Attr{
		attr("name", "import "+name), attr("tests", s.Rows), attr("failures", s.Rejected+s.Failed), attr("errors", s.Unknown),
		attr("skipped", s.Skipped), attr("time", strconv.FormatFloat(s.Seconds, 'f', 3, 64)),
	}}
	if err := enc.EncodeToken(suite); err != nil {
		return err
	}
	for line, err := range report.Lines(ctx) {
		if err != nil {
			return err
		}
		c := testCase{Name: fmt.Sprintf("line %d: %s", line.Item.Line, xmlText(line.Item.Key)), Class: "import." + string(line.Result)}
		m := &junitMessage{Type: line.Reason.Code, Message: xmlText(line.Reason.Text)}
		switch line.Result {
		case journal.Rejected, journal.Failed:
			c.Failure = m
		case journal.Unknown:
			c.Error = m
		case journal.Skipped:
			c.Skipped = m
		case journal.Created, journal.Updated, journal.Unchanged:
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
	}
	if err := enc.EncodeToken(suite.End()); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// xmlText drops what XML 1.0 cannot hold.
func xmlText(s string) string { return iostreams.Clean(strings.ToValidUTF8(s, "\uFFFD")) }

// maxShown is how many bad rows are shown on stderr; all of them are in the
// rejects file.
const maxShown = 10

// show prints the summary, and the first bad rows on stderr.
func (j *job) show(ctx context.Context, s *runner.Summary, report *runner.Report) error {
	if err := j.showLines(report.Rejects(ctx), s.Bad()); err != nil {
		return err
	}
	if s.NotVerified > 0 {
		if err := j.showLines(report.NotVerified(ctx), s.NotVerified); err != nil {
			return err
		}
	}
	if s.Warnings > 0 {
		if err := j.Note("%d cells look odd and were sent as they are; idctl import check shows them", s.Warnings); err != nil {
			return err
		}
	}
	if j.Summary == "-" || j.DryRun && !isTable(j.Output) {
		return nil // stdout is taken
	}
	return summaryPrinter(j.Output).One(j.IO, s)
}

// showLines shows the first of n bad rows on stderr.
func (j *job) showLines(lines iter.Seq2[runner.Line, error], n int) error {
	shown := 0
	for line, err := range lines {
		if err != nil {
			return err
		}
		if shown == maxShown {
			return j.Note("... and %d more", n-maxShown)
		}
		shown++
		text := fmt.Sprintf("line %d", line.Item.Line)
		if line.Item.Key != "" {
			text += " " + line.Item.Key
		}
		if err := j.Note("%s", iostreams.Clean(fmt.Sprintf("%s: %s: %s", text, line.Result, line.Reason.Text))); err != nil {
			return err
		}
	}
	return nil
}

// isTable says whether stdout is read by a person.
func isTable(o *output.Options) bool {
	f := output.Format(o.Format.String())
	return f == output.Table || f == output.Wide
}

func summaryPrinter(o *output.Options) output.Printer[runner.Summary] {
	number := func(name string, get func(*runner.Summary) int) output.Column[runner.Summary] {
		return output.Column[runner.Summary]{Name: name, Get: func(s *runner.Summary) string { return strconv.Itoa(get(s)) }}
	}
	wide := func(c output.Column[runner.Summary]) output.Column[runner.Summary] {
		c.Wide = true
		return c
	}
	red := func(c output.Column[runner.Summary], get func(*runner.Summary) int) output.Column[runner.Summary] {
		c.Paint = func(s *runner.Summary) output.Colour {
			if get(s) > 0 {
				return output.Red
			}
			return output.Plain
		}
		return c
	}
	bad := func(name string, get func(*runner.Summary) int) output.Column[runner.Summary] {
		return red(number(name, get), get)
	}
	return output.New(o, output.Spec[runner.Summary]{
		Columns: []output.Column[runner.Summary]{
			number("Rows", func(s *runner.Summary) int { return s.Rows }),
			number("Created", func(s *runner.Summary) int { return s.Created }),
			number("Updated", func(s *runner.Summary) int { return s.Updated }),
			number("Unchanged", func(s *runner.Summary) int { return s.Unchanged }),
			number("Skipped", func(s *runner.Summary) int { return s.Skipped }),
			bad("Rejected", func(s *runner.Summary) int { return s.Rejected }),
			bad("Failed", func(s *runner.Summary) int { return s.Failed }),
			bad("Unknown", func(s *runner.Summary) int { return s.Unknown }),
			{Name: "Seconds", Get: func(s *runner.Summary) string { return strconv.FormatFloat(s.Seconds, 'f', 1, 64) }},
			wide(output.Column[runner.Summary]{Name: "Route", Get: func(s *runner.Summary) string { return string(s.Route) }}),
			wide(number("Calls", func(s *runner.Summary) int { return s.Calls })),
			wide(number("Writes", func(s *runner.Summary) int { return s.Writes })),
			wide(number("Verified", func(s *runner.Summary) int { return s.Verified })),
			wide(number("Not verified", func(s *runner.Summary) int { return s.NotVerified })),
			wide(number("Remaining", func(s *runner.Summary) int { return s.Remaining })),
			wide(output.Column[runner.Summary]{Name: "Run", Get: func(s *runner.Summary) string { return s.Run }}),
		},
		Key: func(s *runner.Summary) string { return s.Run },
	})
}
