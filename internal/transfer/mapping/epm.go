package mapping

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/idctl/idctl/internal/transfer/csvio"
)

// epmRow is a row of the files that EPM Automate reads with addUsers and
// updateUsers.
type epmRow struct {
	FirstName string `csv:"First Name"`
	LastName  string `csv:"Last Name"`
	Email     string `csv:"Email"`
	Login     string `csv:"User Login"`
}

// epmColumns pairs the columns of such a file with ours, in the order of
// epmRow.cells.
func epmColumns() [][2]string {
	return [][2]string{
		{"User Login", "User Name"}, {"First Name", "First Name"}, {"Last Name", "Last Name"}, {"Email", "Work Email"},
	}
}

func (r epmRow) cells() []string { return []string{r.Login, r.FirstName, r.LastName, r.Email} }

// epmName spells a header of such a file as it should be.
func epmName(header string) string {
	for _, c := range epmColumns() {
		if fold(c[0]) == fold(header) {
			return c[0]
		}
	}
	return header
}

// IsEPM says whether a header is that of a user file of EPM Automate: First
// Name, Last Name, Email and User Login, in any order.
func IsEPM(header []string) bool {
	found := 0
	for _, h := range header {
		if csvio.Own(h) {
			continue
		}
		if !slices.ContainsFunc(epmColumns(), func(c [2]string) bool { return c[0] == epmName(h) }) {
			return false
		}
		found++
	}
	return found == len(epmColumns())
}

// NewEPMSource reads a user file of EPM Automate. All its four columns are
// mandatory, in each row. Map and IgnoreUnknown of the options are not used.
func NewEPMSource(file *csvio.File, o Options) (*Source, error) {
	if o.Name == "" {
		o.Name = file.Path
	}
	if !IsEPM(file.Header) {
		return nil, fmt.Errorf("%s: %w: the columns must be First Name, Last Name, Email and User Login", o.Name, ErrMapping)
	}
	o.Map, o.IgnoreUnknown = nil, false
	var header []string
	for _, c := range epmColumns() {
		header = append(header, c[1])
	}
	p, err := newPlan(User, header, o)
	if err != nil {
		return nil, err
	}
	for i := range p.binds {
		p.binds[i].header = epmColumns()[i][0]
	}
	p.headers = nil
	for _, h := range file.Header {
		rep := HeaderReport{Header: h, Use: Ignored}
		for i, c := range epmColumns() {
			if c[0] == epmName(h) {
				rep.Use, rep.Column, rep.Attribute = Mapped, c[1], p.binds[i].col.Path
			}
		}
		p.headers = append(p.headers, rep)
	}
	for i := range p.binds {
		if i != p.key {
			p.needed = append(p.needed, i)
		}
	}
	rows := func(ctx context.Context) iter.Seq2[mapRow, error] {
		return func(yield func(mapRow, error) bool) {
			for row, err := range csvio.TypedRows[epmRow](ctx, file, epmName) {
				var m mapRow
				if row != nil {
					m = mapRow{Row: row.Row, cells: row.Value.cells()}
				}
				if !yield(m, err) {
					return
				}
			}
		}
	}
	return &Source{file: file, plan: p, rows: rows}, nil
}
