package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// The states of a delivery.
const (
	StateWaiting   = "waiting"   // to be tried, for the first time or again
	StateDelivered = "delivered" // taken by the server, for one recipient at least
	StateFailed    = "failed"    // refused for good, or tried too often
)

const (
	// deliveryType is the store's type for deliveries; a delivery has the id of
	// its message. It is no resource type: the name cannot be one.
	deliveryType = "~delivery"
	// cursorValue is the store's value that says up to where messages have
	// become deliveries.
	cursorValue = "mail.cursor"
	duePath     = "due" // index: when to try, so that the longest due comes first

	batch = 50

	// lease is how long a process has to send a message before another one may
	// try: longer than sendTimeout, so that only a dead process loses it.
	lease = 3 * time.Minute
	// maxAttempts and the pauses between them: 10 s, doubled each time, not
	// more than 30 min; some 2 hours in all.
	maxAttempts = 12
	firstPause  = 10 * time.Second
	longPause   = 30 * time.Minute
	// maxAge is how old a message may be before it is first tried. A server
	// that was away for weeks does not send what is long settled.
	maxAge = 5 * 24 * time.Hour
)

// Delivery says how the sending of a message stands.
type Delivery struct {
	ID       string            `json:"id"`
	State    string            `json:"state"`
	Attempts int               `json:"attempts"`
	Next     time.Time         `json:"next,omitzero"`      // when it is tried again
	Done     time.Time         `json:"delivered,omitzero"` // when the server took it
	Pending  []string          `json:"pending,omitempty"`  // recipients still to be tried
	Accepted []string          `json:"accepted,omitempty"` // recipients that the server took
	Refused  map[string]string `json:"refused,omitempty"`  // recipients that it did not, and why
	Error    string            `json:"error,omitempty"`    // of the last attempt
	// Owner has the message until Until: no other process sends it meanwhile.
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Source is where messages come from.
type Source interface {
	// After lists the messages behind a cursor, oldest first, and the cursor
	// that continues behind them.
	After(ctx context.Context, cursor string, limit int) (ids []Pending, next string, err error)
	// Message answers a message with all that it shows, or store.ErrNotFound.
	Message(ctx context.Context, id string) (Message, error)
}

// Pending is a message that is not a delivery yet.
type Pending struct {
	ID string
	To []string
}

// Config is what a Queue works with. Everything but Log is needed.
type Config struct {
	Store     store.Store
	Source    Source
	Templates *Templates
	Server    Server
	// From is the address of the sender.
	From string
	// Owner names this process among those on the store.
	Owner string
	// Now tells the time of the machine, not that of the emulator: moving the
	// emulator's clock must not end the lease of another process.
	Now func() time.Time
	// Sleep waits, and ends early when ctx does.
	Sleep func(ctx context.Context, d time.Duration) error
	Log   *slog.Logger
}

// Queue sends the messages of a source, each at least once. What it knows is in
// the store, so that a killed process loses nothing and two do not both send a
// message; only who dies between the server's answer and the next write lets it
// be sent again, with the same Message-ID.
type Queue struct{ cfg Config }

// NewQueue makes a Queue. It starts nothing.
func NewQueue(cfg Config) (*Queue, error) {
	switch {
	case cfg.Store == nil || cfg.Source == nil || cfg.Templates == nil || cfg.Now == nil || cfg.Sleep == nil || cfg.Owner == "":
		return nil, errors.New("mail: a queue needs a store, a source, templates, an owner and a clock")
	case cfg.Server.Addr == "":
		return nil, errors.New("mail: a queue needs the address of a server")
	}
	if _, err := Address(cfg.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{cfg: cfg}, nil
}

// Start settles what is sent: messages that were in the outbox before delivery
// was first switched on stay there. Later starts go on where the last one ended.
func (q *Queue) Start(ctx context.Context) error {
	err := q.cfg.Store.View(ctx, func(tx store.Tx) error {
		_, err := tx.Value(cursorValue)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		return wrap(err)
	}
	cursor := ""
	for {
		found, next, err := q.cfg.Source.After(ctx, cursor, 1000)
		if err != nil {
			return wrap(err)
		}
		if len(found) == 0 {
			break
		}
		cursor = next
	}
	return wrap(q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Value(cursorValue); !errors.Is(err, store.ErrNotFound) {
			return err // another process was first
		}
		return tx.SetValue(cursorValue, []byte(cursor))
	}))
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// Run sends until ctx ends, looking for new messages every pause. An error of
// the store is logged and does not end it: the next pass may work.
func (q *Queue) Run(ctx context.Context, pause time.Duration) {
	var seen uint64
	for first := true; ctx.Err() == nil; first = false {
		version, err := q.cfg.Store.Version(ctx)
		if err == nil && (first || version != seen || q.waiting(ctx)) {
			seen = version
			_, err = q.Flush(ctx)
		}
		if err != nil && ctx.Err() == nil {
			q.cfg.Log.ErrorContext(ctx, "mail delivery", "error", err)
		}
		if q.cfg.Sleep(ctx, pause) != nil {
			return // ended as asked
		}
	}
}

// waiting says whether anything is due.
func (q *Queue) waiting(ctx context.Context) bool {
	n := 0
	err := q.cfg.Store.View(ctx, func(tx store.Tx) error {
		var err error
		n, err = tx.Count(q.due())
		return err
	})
	return err != nil || n > 0
}

func (q *Queue) due() store.Query {
	return store.Query{
		Type: deliveryType, SortPath: duePath, Limit: 1,
		Conds: []store.Cond{{Path: duePath, Rel: store.Le, Value: stamp(q.cfg.Now())}},
	}
}

// stamp is a time whose order as text is that of time.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// Flush sends everything that is due now and answers how many messages it
// tried.
func (q *Queue) Flush(ctx context.Context) (tried int, err error) {
	if err := q.collect(ctx); err != nil {
		return 0, wrap(err)
	}
	for ctx.Err() == nil {
		d, err := q.take(ctx)
		if err != nil || d == nil {
			return tried, wrap(err)
		}
		tried++
		out := q.try(ctx, d)
		if ctx.Err() != nil && len(out.accepted) == 0 {
			// Cut off by the end of this process, which is no fault of the
			// message: it is left as it was, for the next start.
			out = outcome{later: d.Pending, err: context.Cause(ctx)}
			d.Attempts--
		}
		// The server's answer is kept even when the process is to end.
		if err := q.settle(context.WithoutCancel(ctx), d, out); err != nil {
			return tried, wrap(err)
		}
	}
	return tried, nil
}

// collect makes deliveries of new messages.
func (q *Queue) collect(ctx context.Context) error {
	for {
		var cursor []byte
		err := q.cfg.Store.View(ctx, func(tx store.Tx) error {
			var err error
			cursor, err = tx.Value(cursorValue)
			return err
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // gone after a reset of the store: from the start
			return err
		}
		found, next, err := q.cfg.Source.After(ctx, string(cursor), batch)
		if errors.Is(err, store.ErrCursor) {
			return q.restart(ctx, cursor)
		}
		if err != nil || len(found) == 0 {
			return err
		}
		err = q.cfg.Store.Update(ctx, func(tx store.Tx) error {
			now, err := tx.Value(cursorValue)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if string(now) != string(cursor) {
				return nil // another process collected these
			}
			for _, p := range found {
				d := Delivery{ID: p.ID, State: StateWaiting, Pending: p.To, Next: q.cfg.Now().UTC()}
				if err := insert(tx, &d); err != nil && !errors.Is(err, store.ErrExists) {
					return err
				}
			}
			return tx.SetValue(cursorValue, []byte(next))
		})
		if err != nil {
			return err
		}
	}
}

// restart forgets a cursor that belongs to records which are no more.
func (q *Queue) restart(ctx context.Context, old []byte) error {
	return q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		now, err := tx.Value(cursorValue)
		if errors.Is(err, store.ErrNotFound) || err == nil && string(now) != string(old) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteValue(cursorValue)
	})
}

// take leases the delivery that has been due the longest; nil when none is.
func (q *Queue) take(ctx context.Context) (*Delivery, error) {
	var d *Delivery
	err := q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		d = nil
		for row, err := range tx.Query(q.due()) {
			if err != nil {
				return err
			}
			if d, err = decode(row.Record); err != nil {
				return err
			}
		}
		if d == nil {
			return nil
		}
		d.Owner, d.Until = q.cfg.Owner, q.cfg.Now().Add(lease).UTC()
		d.Attempts++
		return put(tx, d)
	})
	return d, err
}

// try sends a message once.
func (q *Queue) try(ctx context.Context, d *Delivery) outcome {
	refuseAll := func(why string) outcome {
		out := outcome{refused: map[string]string{}}
		for _, a := range d.Pending {
			out.refused[a] = why
		}
		return out
	}
	m, err := q.cfg.Source.Message(ctx, d.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuseAll("the message is no more")
	case err != nil:
		return outcome{later: d.Pending, err: err}
	case d.Attempts == 1 && q.cfg.Now().Sub(m.Created) > maxAge:
		return refuseAll("the message was older than 5 days")
	}
	r, err := q.cfg.Templates.Render(m)
	if err != nil {
		return refuseAll(reason(err))
	}
	to, bad := make([]string, 0, len(d.Pending)), map[string]string{}
	for _, a := range d.Pending {
		if clean, err := Address(a); err != nil {
			bad[a] = reason(err)
		} else {
			to = append(to, clean)
		}
	}
	if len(to) == 0 {
		return outcome{refused: bad}
	}
	data, err := r.MIME(m.ID, q.cfg.From, to, m.Created)
	if err != nil {
		return refuseAll(reason(err))
	}
	out := q.cfg.Server.send(ctx, q.cfg.From, to, data)
	maps.Copy(out.refused, bad)
	return out
}

// settle writes down what became of an attempt, unless another process has
// taken the message over.
func (q *Queue) settle(ctx context.Context, d *Delivery, out outcome) error {
	return q.cfg.Store.Update(ctx, func(tx store.Tx) error {
		rec, err := tx.Get(deliveryType, d.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil // the store was emptied
		}
		if err != nil {
			return err
		}
		now, err := decode(rec)
		if err != nil {
			return err
		}
		if now.Owner != d.Owner || !now.Until.Equal(d.Until) {
			return nil
		}
		now.settle(q.cfg.Now().UTC(), d.Attempts, out)
		if now.State == StateFailed {
			q.cfg.Log.WarnContext(ctx, "mail was not delivered", "id", d.ID, "attempts", now.Attempts, "error", now.Error)
		}
		return put(tx, now)
	})
}

func (d *Delivery) settle(now time.Time, attempts int, out outcome) {
	d.Attempts, d.Owner, d.Until, d.Error, d.Next = attempts, "", time.Time{}, "", time.Time{}
	d.Accepted = append(d.Accepted, out.accepted...)
	if len(out.refused) > 0 && d.Refused == nil {
		d.Refused = map[string]string{}
	}
	maps.Copy(d.Refused, out.refused)
	d.Pending = out.later
	if len(out.accepted) > 0 {
		d.Done = now
	}
	if out.err != nil {
		d.Error = reason(out.err)
	}
	switch {
	case len(d.Pending) > 0 && d.Attempts < maxAttempts:
		d.State, d.Next = StateWaiting, now.Add(pauseAfter(d.Attempts))
	case len(d.Accepted) > 0:
		d.State = StateDelivered
	default:
		d.State = StateFailed
		if d.Error == "" {
			d.Error = strings.Join(slices.Sorted(maps.Values(d.Refused)), "; ")
		}
	}
}

func pauseAfter(attempts int) time.Duration {
	pause := firstPause
	for range attempts - 1 {
		if pause *= 2; pause >= longPause {
			return longPause
		}
	}
	return pause
}

// DeliveryOf answers how the sending of a message stands; store.ErrNotFound
// when it never was to be sent.
func DeliveryOf(tx store.Tx, id string) (*Delivery, error) {
	rec, err := tx.Get(deliveryType, id)
	if err != nil {
		return nil, err
	}
	return decode(rec)
}

func decode(rec store.Record) (*Delivery, error) {
	var d Delivery
	if err := json.Unmarshal(rec.Data, &d); err != nil {
		return nil, fmt.Errorf("delivery %s: %w: %w", rec.ID, store.ErrCorrupt, err)
	}
	return &d, nil
}

func insert(tx store.Tx, d *Delivery) error {
	rec, err := record(d)
	if err != nil {
		return err
	}
	return tx.Insert(rec)
}

func put(tx store.Tx, d *Delivery) error {
	rec, err := record(d)
	if err != nil {
		return err
	}
	return tx.Put(rec)
}

func record(d *Delivery) (store.Record, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return store.Record{}, err
	}
	rec := store.Record{Type: deliveryType, ID: d.ID, Data: data, Created: d.Next, Modified: d.Next}
	if d.State == StateWaiting {
		due := d.Next
		if d.Until.After(due) {
			due = d.Until // leased: due again when the lease ends
		}
		rec.Index = []store.Entry{{Path: duePath, Value: stamp(due)}}
	}
	return rec, nil
}
