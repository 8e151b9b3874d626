// Package journal remembers what an import, or an act on many resources, meant
// to do and what it did, so that a run which was killed at any instant can be resumed: no row lost, none
// done twice.
//
// A journal is an append-only file of lines, each with a checksum, 0600. An
// operation is written as intended before it is sent, and its outcome after.
// The write itself happens before the send, which is enough for kill -9; the
// disk is synced in groups, at most SyncEvery later, and at the end, which
// bounds what a power cut can take. A torn last line is what a kill in the
// middle of a write leaves behind: it was not acted upon yet, so it is
// dropped. Damage anywhere else is refused.
//
// Journals hold row numbers, ids, versions, outcomes and the before-images of
// changed resources. They never hold what a row wants to write, so no password
// reaches them.
package journal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/idctl/idctl/internal/atomicfile"
)

// Version is the format this package writes and the only one it reads.
const Version = 1

// SyncEvery is the longest time an entry waits for the disk.
const SyncEvery = 100 * time.Millisecond

// Errors of this package, to be tested with errors.Is.
var (
	// ErrExists: a journal of this identity is there; resume it.
	ErrExists = errors.New("a journal of this import exists")
	// ErrMissing: there is no journal to resume.
	ErrMissing = errors.New("no journal of this import")
	// ErrLocked: another process is running this import.
	ErrLocked = errors.New("another run holds this journal")
	// ErrChanged: the journal belongs to another file, profile or mapping.
	ErrChanged = errors.New("the journal belongs to something else")
	// ErrDamaged: the file is not what this package wrote.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrWrite: the journal cannot be written; nothing more may be sent.
	ErrWrite = errors.New("the journal cannot be written")
)

// Identity is what a journal belongs to. Two runs with the same identity are
// the same import.
type Identity struct {
	Profile string `json:"profile"`
	Origin  string `json:"origin"`
	Type    string `json:"type"`
	// Source is the hash of the file's content, Name the file as it was given.
	// Name is for people and not part of the identity.
	Source  string `json:"source"`
	Name    string `json:"name"`
	Options string `json:"options"`
	Shard   string `json:"shard,omitempty"`
	// Act is what is done to the resources, "block"; empty for an import.
	Act string `json:"act,omitempty"`
}

// Differs names the first member in which two identities differ.
func (i Identity) Differs(o Identity) string {
	switch {
	case i.Source != o.Source:
		return "source file"
	case i.Profile != o.Profile:
		return "profile"
	case i.Origin != o.Origin:
		return "service"
	case i.Type != o.Type:
		return "resource type"
	case i.Options != o.Options:
		return "mapping options"
	case i.Shard != o.Shard:
		return "shard"
	case i.Act != o.Act:
		return "act"
	}
	return ""
}

// FileName is the name a journal of this identity has in the state directory:
// stable for the same import of the same content.
func (i Identity) FileName() string {
	h := sha256.New()
	kind, parts := "import", []string{i.Profile, i.Origin, i.Type, i.Source, i.Options, i.Shard}
	if i.Act != "" {
		kind, parts = "act", append(parts, i.Act)
	}
	for _, s := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s;", len(s), s) // a hash never fails to write
	}
	return kind + "-" + hex.EncodeToString(h.Sum(nil))[:20] + extension
}

// Phase is the pass of an import an entry belongs to. Rows that refer to rows
// further down are written in the first and get their references in the second.
type Phase uint8

// The phases of an import.
const (
	Rows Phase = iota
	References
)

// Repeat says how an operation with no known outcome is settled.
type Repeat string

// The ways to settle an operation.
const (
	// Readable: reading the service tells whether it happened.
	Readable Repeat = "readable"
	// Repeatable: sending it again does no harm.
	Repeatable Repeat = "repeatable"
	// Once: it must never be sent again by itself; unsettled means unknown.
	Once Repeat = "once"
)

// Intent is an operation about to be sent.
type Intent struct {
	Row    int    `json:"r"`
	Phase  Phase  `json:"p,omitempty"`
	Op     string `json:"op"` // create, update, or the name of an act
	Repeat Repeat `json:"rep"`
	// ID and Before are set for a change: the resource, and what it was.
	ID     string          `json:"id,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	// Key is what an act's target was called; a row of a file has it there.
	Key string `json:"key,omitempty"`
}

// Outcome is how a row, or one phase of it, ended.
type Outcome struct {
	Row    int    `json:"r"`
	Phase  Phase  `json:"p,omitempty"`
	Result Result `json:"out"`
	ID     string `json:"id,omitempty"`
	ETag   string `json:"v,omitempty"`
	Status int    `json:"s,omitempty"`
	// Deferred says that references of this row wait for the second phase.
	Deferred bool `json:"def,omitempty"`
	// Transient outcomes are tried again on resume.
	Transient bool `json:"tr,omitempty"`
	// Code is a short stable word for the reason: conflict, unknown-reference.
	Code string `json:"code,omitempty"`
	// Reason is a message for the report, without secrets.
	Reason string `json:"why,omitempty"`
}

// Result is the word of a report: every row ends as exactly one of these.
type Result string

// The results of a row.
const (
	Created   Result = "created"
	Updated   Result = "updated"
	Unchanged Result = "unchanged"
	Skipped   Result = "skipped"
	Rejected  Result = "rejected"
	Failed    Result = "failed"
	Unknown   Result = "unknown"
	// Done is what an act came to that neither creates nor updates.
	Done Result = "done"
)

// header is the first line.
type header struct {
	Magic   string    `json:"idctl"`
	Version int       `json:"version"`
	Run     string    `json:"run"`
	Created time.Time `json:"created"`
	Secret  []byte    `json:"secret"`
	Identity
}

// end is the last line of a run that came to its end.
type end struct {
	Time    time.Time       `json:"time"`
	Summary json.RawMessage `json:"summary,omitempty"`
}

// line is what every further line holds: one of its members.
type line struct {
	Intent  *Intent  `json:"i,omitempty"`
	Outcome *Outcome `json:"d,omitempty"`
	End     *end     `json:"z,omitempty"`
}

const magic = "journal"

// Journal is one open journal. Its methods are safe for concurrent use.
type Journal struct {
	path string
	lock *flock.Flock
	head header
	macs sync.Pool // of hash.Hash under the secret

	mu      sync.Mutex
	file    *os.File
	waiting []byte // lines that are not written yet
	size    int64  // up to here the file holds whole lines
	headEnd int64  // where the header of a new journal ends
	dirty   bool
	failed  error // once set, nothing is written any more

	stop chan struct{}
	done chan struct{}

	once   sync.Once
	closed error
}

// Create starts a new journal. It answers ErrExists when the file is there and
// ErrLocked when another process is at it.
func Create(path string, id Identity, now time.Time) (*Journal, error) {
	if err := atomicfile.Folder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		release(lock)
		if errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("%w: %s", ErrExists, path)
		}
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	secret := make([]byte, 32)
	run := make([]byte, 8)
	_, _ = rand.Read(secret) // crypto/rand.Read never fails
	_, _ = rand.Read(run)
	j := &Journal{path: path, lock: lock, file: file, head: header{
		Magic: magic, Version: Version, Run: hex.EncodeToString(run), Created: now.UTC(), Secret: secret, Identity: id,
	}}
	err = j.append(true, encoded(j.head))
	if err == nil {
		err = file.Sync()
		atomicfile.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = file.Close()
		_ = os.Remove(path) // nothing was sent: an empty journal only confuses
		release(lock)
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	j.headEnd = j.size
	j.start()
	return j, nil
}

// Open continues a journal of the same identity and answers what it holds. It
// answers ErrMissing, ErrLocked, ErrChanged or ErrDamaged.
func Open(path string, id Identity) (*Journal, *State, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: %s", ErrMissing, path)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		release(lock)
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	fail := func(err error) (*Journal, *State, error) {
		_ = file.Close()
		release(lock)
		return nil, nil, err
	}
	head, state, size, err := load(file)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", path, err))
	}
	if what := head.Differs(id); what != "" {
		return fail(fmt.Errorf("%w: %s: the %s is not the one of the run that began %s",
			ErrChanged, path, what, head.Created.Format(time.RFC3339)))
	}
	if err := file.Truncate(size); err != nil { // drop a torn last line
		return fail(fmt.Errorf("%w: %w", ErrWrite, err))
	}
	j := &Journal{path: path, lock: lock, file: file, head: head, size: size}
	j.start()
	return j, state, nil
}

// Path is the journal's file. Run is the id of the run, the same after resume.
func (j *Journal) Path() string { return j.path }

// Run is the id of the run, 16 hex digits, kept over resumes.
func (j *Journal) Run() string { return j.head.Run }

// RetryToken is a token for one call that writes these rows: the same each
// time the same rows are sent together, so that a service which honours
// opc-retry-token does the call once.
func (j *Journal) RetryToken(phase Phase, rows ...int) string {
	mac, ok := j.macs.Get().(hash.Hash)
	if !ok {
		mac = hmac.New(sha256.New, j.head.Secret)
	}
	defer j.macs.Put(mac)
	mac.Reset()
	var space [128]byte
	text := append(space[:0], j.head.Run...)
	text = append(strconv.AppendUint(append(text, '/'), uint64(phase), 10), "/["...)
	for i, row := range rows {
		if i > 0 {
			text = append(text, ' ')
		}
		text = strconv.AppendInt(text, int64(row), 10)
	}
	_, _ = mac.Write(append(text, ']')) // a hash never fails to write
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0]))[:40]
}

// Intend writes operations before they are sent. When it fails, none of them
// may be sent.
func (j *Journal) Intend(intents ...Intent) error {
	return j.append(true, func(buf []byte) ([]byte, error) {
		var err error
		for i := range intents {
			if in := &intents[i]; len(in.Before) == 0 {
				buf = appendLine(buf, func(buf []byte) []byte { return appendIntent(buf, in) })
			} else if buf, err = encoded(line{Intent: in})(buf); err != nil { // which compacts the image
				return nil, err
			}
		}
		return buf, nil
	})
}

// Settle writes outcomes.
func (j *Journal) Settle(outcomes ...Outcome) error {
	return j.settle(true, outcomes)
}

// SettleSoon is Settle for operations that are Readable or Repeatable: the
// outcomes go along with the next intent, or are written within SyncEvery. A
// process killed before leaves operations without an outcome, which a resume
// settles by itself. What cannot be written is an error of the next Intend,
// or of Close.
func (j *Journal) SettleSoon(outcomes ...Outcome) error {
	return j.settle(false, outcomes)
}

func (j *Journal) settle(now bool, outcomes []Outcome) error {
	return j.append(now, func(buf []byte) ([]byte, error) {
		for i := range outcomes {
			buf = appendLine(buf, func(buf []byte) []byte { return appendOutcome(buf, &outcomes[i]) })
		}
		return buf, nil
	})
}

// Finish marks the run as ended, with its summary as JSON. A run that was
// interrupted is closed without it.
func (j *Journal) Finish(now time.Time, summary json.RawMessage) error {
	return j.append(true, encoded(line{End: &end{Time: now.UTC(), Summary: summary}}))
}

// Close syncs and releases the journal. It answers the first write that failed,
// the same when it is called again.
func (j *Journal) Close() error {
	j.once.Do(func() { j.closed = j.close() })
	return j.closed
}

func (j *Journal) close() error {
	close(j.stop)
	<-j.done
	j.sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	err := errors.Join(j.failed, j.file.Close())
	release(j.lock)
	if err != nil && !errors.Is(err, ErrWrite) {
		err = fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return err
}

// Discard closes the journal and removes its file. It is for runs that came to
// nothing: without an entry there is nothing to resume.
func (j *Journal) Discard() error {
	return errors.Join(j.Close(), os.Remove(j.path))
}

// Empty says that nothing was written but the header.
func (j *Journal) Empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size == j.headEnd && len(j.waiting) == 0
}

// castagnoli is made at first use, like everything that costs at start-up.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// acquire takes the lock that lies beside the journal, so that on no system it
// stands in the way of writing the journal itself.
func acquire(path string) (*flock.Flock, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock journal: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	}
	return lock, nil
}

// release gives the lock up. The lock file stays: removing it would let two
// processes hold locks on two files of the same name.
func release(lock *flock.Flock) { _ = lock.Unlock() }
