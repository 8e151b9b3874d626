package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxLine bounds one entry; a before-image of a group can be large.
const maxLine = 32 << 20

// State is what a journal holds: a few bytes a row, and the reasons of those
// that failed.
type State struct {
	rows    map[rowPhase]entry
	reasons map[rowPhase]Outcome
	// Open are the operations without an outcome, or with a transient one, by
	// phase and row.
	Open []Intent
	// Finished says that the run came to its end; Summary is what it said.
	Finished bool
	Summary  json.RawMessage
}

type rowPhase struct {
	row   int
	phase Phase
}

type entry struct {
	result    uint8
	deferred  bool
	transient bool
	status    uint16
}

var results = []Result{Created, Updated, Unchanged, Skipped, Rejected, Failed, Unknown, Done}

// Outcome answers how a row's phase ended; false when it has none yet.
func (s *State) Outcome(row int, phase Phase) (Outcome, bool) {
	e, ok := s.rows[rowPhase{row, phase}]
	if !ok {
		return Outcome{}, false
	}
	if o, ok := s.reasons[rowPhase{row, phase}]; ok {
		return o, true
	}
	return Outcome{
		Row: row, Phase: phase, Result: results[e.result], Deferred: e.deferred, Transient: e.transient, Status: int(e.status),
	}, true
}

// Rows is the number of rows with an outcome in the first phase.
func (s *State) Rows() int {
	n := 0
	for k := range s.rows {
		if k.phase == Rows {
			n++
		}
	}
	return n
}

func (s *State) set(o *Outcome) error {
	i := slices.Index(results, o.Result)
	if i < 0 {
		return fmt.Errorf("unknown result %q", o.Result)
	}
	key := rowPhase{o.Row, o.Phase}
	delete(s.reasons, key)
	if o.Reason != "" {
		s.reasons[key] = *o
	}
	s.rows[key] = entry{
		result: uint8(i), deferred: o.Deferred, transient: o.Transient, status: uint16(o.Status), //nolint:gosec // both are small
	}
	return nil
}

// load reads a journal from its beginning. size is where its whole lines end.
func load(r io.Reader) (head header, state *State, size int64, err error) {
	state = &State{rows: map[rowPhase]entry{}, reasons: map[rowPhase]Outcome{}}
	open := map[rowPhase]Intent{}
	br := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		raw, err := readLine(br)
		if errors.Is(err, io.EOF) {
			break // raw, if any, is a torn last line
		}
		if err != nil {
			return head, nil, 0, err
		}
		data, ok := check(raw)
		if !ok {
			if _, err := br.Peek(1); errors.Is(err, io.EOF) && number > 1 {
				break // torn in its middle, yet ended by the system's padding
			}
			return head, nil, 0, fmt.Errorf("%w: line %d does not match its checksum; "+
				"move the file away to start anew: rows already imported will be found unchanged", ErrDamaged, number)
		}
		if number == 1 {
			if err := json.Unmarshal(data, &head); err != nil || head.Magic != magic {
				return head, nil, 0, fmt.Errorf("%w: this is not a journal of idctl", ErrDamaged)
			}
			if head.Version != Version {
				return head, nil, 0, fmt.Errorf("%w: its version is %d, this program knows %d", ErrDamaged, head.Version, Version)
			}
			size += int64(len(raw)) + 1
			continue
		}
		var l line
		if err := json.Unmarshal(data, &l); err != nil {
			return head, nil, 0, fmt.Errorf("%w: line %d: %w", ErrDamaged, number, err)
		}
		switch {
		case l.Intent != nil:
			key := rowPhase{l.Intent.Row, l.Intent.Phase}
			open[key] = *l.Intent
			delete(state.reasons, key)
			delete(state.rows, key) // tried again: an older outcome no longer holds
			state.Finished = false
		case l.Outcome != nil:
			if err := state.set(l.Outcome); err != nil {
				return head, nil, 0, fmt.Errorf("%w: line %d: %w", ErrDamaged, number, err)
			}
			if !l.Outcome.Transient { // else it is tried again, and what was meant still matters
				delete(open, rowPhase{l.Outcome.Row, l.Outcome.Phase})
			}
		case l.End != nil:
			state.Finished, state.Summary = true, l.End.Summary
		}
		size += int64(len(raw)) + 1
	}
	if size == 0 {
		return head, nil, 0, fmt.Errorf("%w: it is empty; remove it to start anew", ErrDamaged)
	}
	for _, i := range open {
		state.Open = append(state.Open, i)
	}
	slices.SortFunc(state.Open, func(a, b Intent) int {
		if a.Phase != b.Phase {
			return int(a.Phase) - int(b.Phase)
		}
		return a.Row - b.Row
	})
	return head, state, size, nil
}

// readLine answers one line without its end; io.EOF when the end is missing.
func readLine(br *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, err := br.ReadSlice('\n')
		out = append(out, part...)
		switch {
		case err == nil:
			return out[:len(out)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
			if len(out) > maxLine {
				return nil, fmt.Errorf("%w: a line is longer than %d bytes", ErrDamaged, maxLine)
			}
		default:
			return out, err
		}
	}
}

// check answers the JSON of a line whose checksum holds.
func check(raw []byte) ([]byte, bool) {
	if len(raw) < 10 || raw[8] != ' ' {
		return nil, false
	}
	sum, err := hex.DecodeString(string(raw[:8]))
	if err != nil {
		return nil, false
	}
	data := raw[9:]
	want := crc32.Checksum(data, castagnoli())
	got := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	return data, want == got
}

// Info describes a journal for a list of runs.
type Info struct {
	Path     string    `json:"path"`
	Run      string    `json:"run"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	Identity
	Rows     int             `json:"rows"`
	Open     int             `json:"unsettled"`
	Finished bool            `json:"finished"`
	Summary  json.RawMessage `json:"summary,omitempty"`
}

// Describe reads one journal without locking it.
func Describe(path string) (*Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	head, state, _, err := load(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Info{
		Path: path, Run: head.Run, Created: head.Created, Modified: stat.ModTime().UTC(), Identity: head.Identity,
		Rows: state.Rows(), Open: len(state.Open), Finished: state.Finished, Summary: state.Summary,
	}, nil
}

// Entry is one line of a journal: an intent or an outcome.
type Entry struct {
	Intent  *Intent
	Outcome *Outcome
}

// Entries yields the intents and outcomes of a journal in the order in which
// they were written, up to a torn last line. It does not lock.
func Entries(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Entry{}, fmt.Errorf("read journal: %w", err))
			return
		}
		defer func() { _ = f.Close() }() // only read
		br := bufio.NewReaderSize(f, 1<<16)
		for {
			raw, err := readLine(br)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			data, ok := check(raw)
			if !ok {
				continue // load tells a torn line from damage
			}
			var l line
			if err := json.Unmarshal(data, &l); err != nil || l.Intent == nil && l.Outcome == nil {
				continue
			}
			if !yield(Entry{l.Intent, l.Outcome}, nil) {
				return
			}
		}
	}
}

// BeforeImages yields the changes a journal remembers with what the resource
// was before, in the order they were sent.
func BeforeImages(path string) iter.Seq2[Intent, error] {
	return func(yield func(Intent, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Intent{}, fmt.Errorf("read journal: %w", err))
			return
		}
		defer func() { _ = f.Close() }()
		br := bufio.NewReaderSize(f, 1<<16)
		for {
			raw, err := readLine(br)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Intent{}, err)
				return
			}
			data, ok := check(raw)
			if !ok || !bytes.Contains(data, []byte(`"before"`)) {
				continue
			}
			var l line
			if json.Unmarshal(data, &l) == nil && l.Intent != nil && l.Intent.Before != nil && !yield(*l.Intent, nil) {
				return
			}
		}
	}
}

// List describes the journals of a folder, newest first. Files that cannot be
// read are answered as errors beside those that can.
func List(dir string) ([]*Info, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var infos []*Info
	var errs []error
	for _, name := range names {
		info, err := Describe(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b *Info) int { return b.Modified.Compare(a.Modified) })
	return infos, errors.Join(errs...)
}

// Keep is how long a journal is kept by Prune.
const Keep = 30 * 24 * time.Hour

// Prune removes journals that were last written before now - keep and are held
// by nobody, and answers their paths. Unfinished runs are kept unless all is
// true: somebody may still want to resume them.
func Prune(dir string, now time.Time, keep time.Duration, all bool) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	errs := []error{err}
	var gone []string
	for _, name := range names {
		removed, err := prune(name, now.Add(-keep), all)
		errs = append(errs, err)
		if removed {
			gone = append(gone, name)
		}
	}
	return gone, errors.Join(errs...)
}

// prune reads a journal only when its age alone would let it go.
func prune(path string, before time.Time, all bool) (removed bool, err error) {
	stat, err := os.Stat(path)
	if err != nil || !stat.ModTime().Before(before) {
		return false, err
	}
	if info, err := Describe(path); err != nil || !info.Finished && !all {
		return false, err
	}
	lock, err := acquire(path)
	if errors.Is(err, ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer release(lock)
	return true, os.Remove(path)
}

// Archive gives the journal of a run that is over another name, so that the
// same import can begin anew. ErrLocked when somebody is at it.
func Archive(path, run string) error {
	lock, err := acquire(path)
	if err != nil {
		return err
	}
	defer release(lock)
	name := strings.TrimSuffix(path, extension) + "-" + run + extension
	if err := os.Rename(path, name); err != nil {
		return fmt.Errorf("put journal aside: %w", err)
	}
	return nil
}

// extension is what names of journals end in.
const extension = ".journal"
