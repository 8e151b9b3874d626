package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/transfer/csvio"
)

// Sentinels of files whose columns cannot be mapped. Use errors.Is.
var (
	// ErrUnknownColumns says that some header is neither a column nor mapped.
	// See UnknownColumnsError.
	ErrUnknownColumns = errors.New("unknown columns")
	// ErrMapping says that a --map rule, or what two headers add up to, makes
	// no sense.
	ErrMapping = errors.New("bad mapping")
	// ErrNoKey says that no column names the resource.
	ErrNoKey = errors.New("no column names the resource")
)

// UnknownColumn is a header that stands for nothing known.
type UnknownColumn struct {
	Header      string
	Suggestions []Suggestion
}

// UnknownColumnsError lists all headers of a file that stand for nothing known.
type UnknownColumnsError struct{ Columns []UnknownColumn }

func (e *UnknownColumnsError) Error() string {
	parts := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		parts[i] = fmt.Sprintf("%q", c.Header)
		if len(c.Suggestions) > 0 {
			parts[i] += fmt.Sprintf(" (did you mean %q?)", c.Suggestions[0].Column)
		}
	}
	return "unknown columns: " + strings.Join(parts, ", ") +
		"; map them with HEADER=COLUMN, or ignore them with HEADER="
}

// Is makes errors.Is(err, ErrUnknownColumns) hold.
func (e *UnknownColumnsError) Is(target error) bool { return target == ErrUnknownColumns }

// The ways to treat elements that a row does not name.
const (
	// Merge leaves them alone, the default.
	Merge = "merge"
	// Replace removes them, apart from a recovery address that the file has
	// no column for: the service adds one by itself.
	Replace = "replace"
)

// Options say how rows are understood. The zero value is the careful one.
type Options struct {
	// Name is the file as the user wrote it; the file's path if empty.
	Name string
	// Map holds rules HEADER=TARGET: a column's name, an attribute's path, or
	// nothing, which ignores the column.
	Map []string
	// IgnoreUnknown ignores columns that stand for nothing known.
	IgnoreUnknown bool
	// ClearEmpty makes an empty cell empty the attribute.
	ClearEmpty bool
	// SetPasswords makes passwords count for users that exist, too. They are
	// then set on each run, as nobody can read what they are.
	SetPasswords bool
	// ReplaceMembers makes a row's members the whole list of a group.
	ReplaceMembers bool
	// MultiValued is Merge or Replace; empty means Merge.
	MultiValued string
	// ForCreate refuses rows that could only change something: those without
	// a last name or an e-mail address. For runs that leave existing users be.
	ForCreate bool
	// Plain leaves out what only an identity domain knows and no column asks
	// for: how the resource was created.
	Plain bool
}

// binding is a column of the file with what it sets.
type binding struct {
	header string
	cell   int // index in the row
	col    Column
	target target
	custom bool // an attribute of no column, from a path
}

// ColumnUse says what becomes of a column of a file.
type ColumnUse string

// The uses of a column.
const (
	Mapped     ColumnUse = "mapped"
	Ignored    ColumnUse = "ignored"
	Unknown    ColumnUse = "unknown"
	ExportOnly ColumnUse = "export-only"
)

// HeaderReport is one line of the table that shows how a file is understood.
type HeaderReport struct {
	Header      string       `json:"header"`
	Use         ColumnUse    `json:"use"`
	Column      string       `json:"column,omitempty"`
	Attribute   string       `json:"attribute,omitempty"`
	Suggestions []Suggestion `json:"suggestions,omitempty"`
}

// plan is how the rows of one file are understood.
type plan struct {
	typ     string
	opts    Options
	width   int
	binds   []binding
	headers []HeaderReport
	key     int // index in binds, -1 without one
	lists   []*list
	singles []int // bindings of single-valued attributes, the key left out
	manager int
	members int
	needed  []int // bindings without which a row is refused
	digest  string
	layout  func() *shape // of a create, made when the first one is
}

// list is a multi-valued attribute that the file has columns for.
type list struct {
	name     string
	slots    []*slotPlan
	selector int // index in binds, -1 without one
}

// slotPlan is the element of one type.
type slotPlan struct {
	typ   string
	binds []int
}

// newPlan understands a header. Beside ErrUnknownColumns and ErrNoKey it
// returns a plan whose table of columns can be shown, but no row mapped by.
func newPlan(typ string, header []string, o Options) (*plan, error) {
	if err := checkType(typ); err != nil {
		return nil, err
	}
	switch o.MultiValued {
	case "":
		o.MultiValued = Merge
	case Merge, Replace:
	default:
		return nil, fmt.Errorf("%w: multi-valued attributes are %s or %s, not %q", ErrMapping, Merge, Replace, o.MultiValued)
	}
	rules, err := parseRules(header, o.Map)
	if err != nil {
		return nil, err
	}
	p := &plan{typ: typ, opts: o, width: len(header), key: -1, manager: -1, members: -1}
	cols := Columns(typ)
	failed := isFailureFile(header)
	var unknown []UnknownColumn
	for i, h := range header {
		rep := HeaderReport{Header: h}
		rule, ruled := rules[i]
		var col Column
		custom := false
		switch {
		case ruled && rule == "":
			rep.Use = Ignored
		case ruled:
			if col, custom, err = resolveRule(typ, cols, rule); err != nil {
				return nil, fmt.Errorf("%w: column %q: %w", ErrMapping, h, err)
			}
			rep.Use = Mapped
		case csvio.Own(h), failed && slices.Contains(failureColumns(), fold(h)):
			rep.Use = Ignored
		default:
			var ok bool
			if col, ok = lookup(cols, h); ok {
				rep.Use = Mapped
			} else if strings.HasPrefix(strings.ToLower(h), "urn:") {
				// An export names custom attributes by their path.
				if col, custom, err = resolveRule(typ, cols, h); err != nil {
					return nil, fmt.Errorf("%w: column %q: %w", ErrMapping, h, err)
				}
				rep.Use = Mapped
			} else {
				rep.Use, rep.Suggestions = Unknown, Suggest(typ, h)
				if !o.IgnoreUnknown {
					unknown = append(unknown, UnknownColumn{h, rep.Suggestions})
				}
			}
		}
		if rep.Use == Mapped {
			rep.Column, rep.Attribute = col.Name, col.Path
			if col.ExportOnly {
				rep.Use = ExportOnly
			} else if err := p.bind(h, i, col, custom); err != nil {
				return nil, err
			}
		}
		p.headers = append(p.headers, rep)
	}
	p.arrange()
	p.digest = p.makeDigest()
	p.layout = sync.OnceValue(func() *shape { return newShape(p) })
	if len(unknown) > 0 {
		return p, &UnknownColumnsError{unknown}
	}
	if p.key < 0 {
		return p, p.noKey()
	}
	return p, nil
}

// failureColumns are what the console appends to the rows of an import that
// failed there.
func failureColumns() []string { return []string{"type", "error message"} }

// isFailureFile says that a file is such a list of failed rows, whose last two
// columns are no part of the import.
func isFailureFile(header []string) bool {
	for _, want := range failureColumns() {
		if !slices.ContainsFunc(header, func(h string) bool { return fold(h) == want }) {
			return false
		}
	}
	return true
}

func (p *plan) noKey() error {
	for _, c := range Columns(p.typ) {
		if c.Path == keyPath(p.typ) {
			return fmt.Errorf("%w: the file needs a column %q (or %q)", ErrNoKey, c.Name, c.OldName)
		}
	}
	return ErrNoKey
}

// parseRules reads the --map rules into targets by column index. The header
// may hold an equals sign itself, so the split goes by the headers there are.
func parseRules(header, rules []string) (map[int]string, error) {
	out := map[int]string{}
	for _, r := range rules {
		at, target := -1, ""
		for i := range len(r) {
			if r[i] != '=' {
				continue
			}
			j := slices.IndexFunc(header, func(h string) bool { return fold(h) == fold(r[:i]) })
			if j >= 0 {
				at, target = j, strings.TrimSpace(r[i+1:])
				break
			}
		}
		if at < 0 {
			if !strings.Contains(r, "=") {
				return nil, fmt.Errorf("%w: %q is not HEADER=TARGET", ErrMapping, r)
			}
			return nil, fmt.Errorf("%w: %q names no column of the file; it has %s", ErrMapping, r, strings.Join(header, ", "))
		}
		if old, twice := out[at]; twice && old != target {
			return nil, fmt.Errorf("%w: column %q is mapped twice", ErrMapping, header[at])
		}
		out[at] = target
	}
	return out, nil
}

// resolveRule finds what the right side of a rule stands for.
func resolveRule(typ string, cols []Column, rule string) (Column, bool, error) {
	c, ok := lookup(cols, rule)
	if ok {
		if c.ExportOnly {
			return c, false, fmt.Errorf("%q is written by the service alone", c.Name)
		}
		return c, false, nil
	}
	// A relation is written as the attribute or as its value.
	short := map[string]string{"members": "members.value", "manager": EnterpriseURN + ":manager.value"}
	if full, ok := short[strings.ToLower(rule)]; ok {
		rule = full
	}
	t, err := parseTarget(typ, rule)
	if err != nil {
		if s := Suggest(typ, rule); len(s) > 0 {
			return c, false, fmt.Errorf("%w; did you mean %q?", err, s[0].Column)
		}
		return c, false, err
	}
	if strings.EqualFold(t.urn, EnterpriseURN) && strings.EqualFold(t.name, "manager") && t.sub == "" {
		t.sub = "value"
	}
	for _, c := range cols {
		if ct, err := parseTarget(typ, c.Path); err == nil && sameTarget(ct, t) {
			if c.ExportOnly {
				return c, false, fmt.Errorf("%s is written by the service alone", rule)
			}
			return c, false, nil
		}
	}
	if t.selector {
		return c, false, fmt.Errorf("%s has no primary element that could be chosen", t.name)
	}
	if t.urn == "" && slices.ContainsFunc(readOnly(), func(r string) bool { return strings.EqualFold(r, t.name) }) {
		return c, false, fmt.Errorf("%s is written by the service alone", t.name)
	}
	if t.urn == "" && t.typ == "" && !strings.EqualFold(t.name, "nonUniqueDisplayName") {
		// Every other single-valued attribute of the core schemas has a column.
		hint := "; an attribute of an extension is written with its schema, as in " + EnterpriseURN + ":division"
		if s := Suggest(typ, rule); len(s) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", s[0].Column)
		}
		return c, false, fmt.Errorf("there is no column or attribute %q%s", rule, hint)
	}
	return Column{Name: rule, Path: rule, Kind: Text}, true, nil
}

func sameTarget(a, b target) bool {
	return strings.EqualFold(a.urn, b.urn) && strings.EqualFold(a.name, b.name) && strings.EqualFold(a.typ, b.typ) &&
		strings.EqualFold(a.sub, b.sub) && a.selector == b.selector
}

func (p *plan) bind(header string, cell int, col Column, custom bool) error {
	t, err := parseTarget(p.typ, col.Path)
	if err != nil {
		return fmt.Errorf("%w: column %q: %w", ErrMapping, header, err)
	}
	for _, b := range p.binds {
		if sameTarget(b.target, t) {
			return fmt.Errorf("%w: columns %q and %q both set %s; ignore one with HEADER=", ErrMapping, b.header, header, col.Path)
		}
		if b.target.urn == t.urn && b.target.name == t.name && (b.target.sub == "") != (t.sub == "") && b.target.typ == "" && t.typ == "" {
			return fmt.Errorf("%w: columns %q and %q set %s and a part of it", ErrMapping, b.header, header, t.name)
		}
	}
	p.binds = append(p.binds, binding{header: header, cell: cell, col: col, target: t, custom: custom})
	return nil
}

// arrange sorts the bindings by how they are applied.
func (p *plan) arrange() {
	byName := map[string]*list{}
	for i := range p.binds {
		b := &p.binds[i]
		switch {
		case b.col.Path == keyPath(p.typ):
			p.key = i
		case b.col.Kind == UserRef:
			p.manager = i
		case b.col.Kind == Members:
			p.members = i
		case b.target.typ != "" || b.target.selector:
			l := byName[b.target.name]
			if l == nil {
				l = &list{name: b.target.name, selector: -1}
				byName[b.target.name] = l
				p.lists = append(p.lists, l)
			}
			if b.target.selector {
				l.selector = i
				continue
			}
			j := slices.IndexFunc(l.slots, func(s *slotPlan) bool { return strings.EqualFold(s.typ, b.target.typ) })
			if j < 0 {
				l.slots = append(l.slots, &slotPlan{typ: b.target.typ})
				j = len(l.slots) - 1
			}
			l.slots[j].binds = append(l.slots[j].binds, i)
		default:
			p.singles = append(p.singles, i)
		}
	}
	for _, l := range p.lists {
		for _, s := range l.slots {
			// The value goes last: it may be part of the path of the others.
			slices.SortStableFunc(s.binds, func(a, b int) int {
				return boolInt(p.binds[a].target.sub == "value") - boolInt(p.binds[b].target.sub == "value")
			})
		}
		slices.SortStableFunc(l.slots, func(a, b *slotPlan) int { return typeRank(a.typ) - typeRank(b.typ) })
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// typeRank orders the types of elements: which is primary unless told
// otherwise. A recovery address never is.
func typeRank(typ string) int {
	order := []string{"work", "mobile", "home", "other"}
	if i := slices.Index(order, strings.ToLower(typ)); i >= 0 {
		return i
	}
	if strings.EqualFold(typ, "recovery") {
		return len(order) + 1
	}
	return len(order)
}

// makeDigest covers everything that changes what a row means.
func (p *plan) makeDigest() string {
	type mapped struct{ Header, Path string }
	id := struct {
		Version int
		Type    string
		Options Options
		Columns []mapped
	}{Version: 1, Type: p.typ, Options: p.opts}
	id.Options.Name, id.Options.Map = "", nil
	for _, b := range p.binds {
		id.Columns = append(id.Columns, mapped{fold(b.header), b.target.urn + "|" + b.col.Path})
	}
	text, err := json.Marshal(id)
	if err != nil { // strings and booleans always encode
		text = fmt.Appendf(nil, "%+v", id)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
