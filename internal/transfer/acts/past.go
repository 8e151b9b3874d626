package acts

import (
	"crypto/sha256"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// digest names a target without keeping its name.
type digest [16]byte

func digestOf(kind, s string) digest {
	sum := sha256.Sum256([]byte(kind + "\x00" + s))
	return digest(sum[:16])
}

func idDigest(id string) digest   { return digestOf("id", id) }
func keyDigest(key string) digest { return digestOf("key", provider.Fold(key)) }

// earlier is how an earlier run left a target.
type earlier struct {
	row    int
	result journal.Result // empty while open
	repeat journal.Repeat
	id     string // kept only of what is open
	key    string
	seen   bool
}

// Past is what earlier runs of a journal did, by target.
type Past struct {
	rows   map[int]*earlier
	byID   map[digest]*earlier
	byKey  map[digest]*earlier
	last   int
	wrote  bool
	untold []*earlier
}

// ReadPast reads what a journal says of its targets. The journal may be open
// for writing by the caller.
func ReadPast(path string) (*Past, error) {
	p := &Past{rows: map[int]*earlier{}, byID: map[digest]*earlier{}, byKey: map[digest]*earlier{}}
	for e, err := range journal.Entries(path) {
		if err != nil {
			return nil, err
		}
		p.take(e)
	}
	for row := 1; row <= p.last; row++ {
		if e := p.rows[row]; e != nil && (e.result == "" && e.repeat == journal.Once || e.result == journal.Unknown) {
			p.untold = append(p.untold, e)
		}
	}
	p.rows = nil
	return p, nil
}

func (p *Past) take(e journal.Entry) {
	switch {
	case e.Intent != nil:
		in := e.Intent
		was := &earlier{row: in.Row, repeat: in.Repeat, id: in.ID, key: in.Key}
		p.rows[in.Row] = was
		p.byID[idDigest(in.ID)], p.byKey[keyDigest(in.Key)] = was, was
		p.last, p.wrote = max(p.last, in.Row), true
	case e.Outcome != nil:
		p.last = max(p.last, e.Outcome.Row)
		if was := p.rows[e.Outcome.Row]; was != nil {
			was.result = e.Outcome.Result
			if was.result != journal.Unknown {
				was.id, was.key = "", ""
			}
			if e.Outcome.Transient && was.result != journal.Unknown {
				was.result = journal.Failed
			}
		}
	}
}

// Open is the number of operations that must not be done again by themselves
// and of which nobody knows whether they were carried out.
func (p *Past) Open() int {
	if p == nil {
		return 0
	}
	return len(p.untold)
}

// Wrote says whether anything was sent at all.
func (p *Past) Wrote() bool { return p != nil && p.wrote }

// of answers what an earlier run did to a target, nil for nothing.
func (p *Past) of(t *Target) *earlier {
	if p == nil {
		return nil
	}
	if t.Doc != nil {
		if e := p.byID[idDigest(t.ID())]; e != nil {
			return e
		}
		return nil
	}
	return p.byKey[keyDigest(t.Key)]
}

func (p *Past) lastRow() int {
	if p == nil {
		return 0
	}
	return p.last
}
