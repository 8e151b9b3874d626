package mail

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// box is an outbox in a slice; a cursor is the number of messages before it.
type box struct {
	mu    sync.Mutex
	mails []Message
}

func (b *box) add(to ...string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := sample(engine.MailWelcome, "en")
	m.ID, m.To = fmt.Sprintf("mail-%d", len(b.mails)), to
	b.mails = append(b.mails, m)
	return m.ID
}

func (b *box) After(_ context.Context, cursor string, limit int) ([]Pending, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := strconv.Atoi("0" + cursor)
	if err != nil || n > len(b.mails) {
		return nil, "", store.ErrCursor
	}
	var list []Pending
	for _, m := range b.mails[n:min(n+limit, len(b.mails))] {
		list = append(list, Pending{ID: m.ID, To: m.To})
	}
	return list, strconv.Itoa(n + len(list)), nil
}

func (b *box) Message(_ context.Context, id string) (Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mails {
		if m.ID == id {
			return m, nil
		}
	}
	return Message{}, store.ErrNotFound
}

// bench is a queue and what is around it.
type bench struct {
	*Queue
	box    *box
	store  store.Store
	server *smtpServer
	now    time.Time
}

func newBench(t *testing.T, change func(*smtpServer)) *bench {
	t.Helper()
	b := &bench{box: &box{}, store: memory.New(), server: startSMTP(t, change), now: noon}
	b.Queue = b.queue(t, "one")
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// queue is that of a process with this name.
func (b *bench) queue(t *testing.T, owner string) *Queue {
	t.Helper()
	q, err := NewQueue(Config{
		Store: b.store, Source: b.box, Templates: New(), Server: Server{Addr: b.server.addr}, From: "no-reply@example.com", Owner: owner,
		Now: func() time.Time { return b.now }, Sleep: func(context.Context, time.Duration) error { return errStop },
	})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func (b *bench) flush(t *testing.T, want int) {
	t.Helper()
	if n, err := b.Flush(t.Context()); err != nil || n != want {
		t.Errorf("Flush tried %d, %v; want %d", n, err, want)
	}
}

func (b *bench) delivery(t *testing.T, id string) *Delivery {
	t.Helper()
	var d *Delivery
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		var err error
		d, err = DeliveryOf(tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestQueueDelivers(t *testing.T) {
	b := newBench(t, nil)
	id := b.box.add("ada@example.com")
	b.flush(t, 1)
	b.flush(t, 0)
	want := &Delivery{ID: id, State: StateDelivered, Attempts: 1, Done: noon, Accepted: []string{"ada@example.com"}}
	if d := cmp.Diff(want, b.delivery(t, id)); d != "" {
		t.Errorf("delivery (-want +got):\n%s", d)
	}
	if got := b.server.got(); len(got) != 1 || !strings.Contains(got[0].data, "Subject: Activate your account") {
		t.Errorf("the server took %v", got)
	}
}

// TestQueueStart: what was there before delivery was switched on is not sent;
// what came while no process ran is.
func TestQueueStart(t *testing.T) {
	b := &bench{box: &box{}, store: memory.New(), server: startSMTP(t, nil), now: noon}
	b.box.add("old@example.com")
	b.Queue = b.queue(t, "one")
	for range 2 { // the second start is one of a later process
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.box.add("new@example.com")
	}
	for range 2 * batch {
		b.box.add("more@example.com")
	}
	b.flush(t, 2+2*batch)
	for _, m := range b.server.got() {
		if slices.Contains(m.to, "old@example.com") {
			t.Error("a message from before was sent")
		}
	}
	// A store that was emptied begins anew, also where the cursor is not one of
	// this outbox any more.
	if err := b.store.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.box.mails = nil
	b.box.add("fresh@example.com")
	b.flush(t, 1)
	b.box.mails = nil
	b.flush(t, 0)
	b.box.add("later@example.com")
	b.flush(t, 0) // its id is that of the message before
}

func TestQueueRetries(t *testing.T) {
	var mu sync.Mutex
	answer := "451 not now"
	b := newBench(t, func(s *smtpServer) {
		s.answer = func(c string) string {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(c, "RCPT TO:<ada") {
				return answer
			}
			return ""
		}
	})
	id := b.box.add("ada@example.com", "grace@example.com")
	b.flush(t, 1)
	d := b.delivery(t, id)
	if d.State != StateWaiting || !slices.Equal(d.Pending, []string{"ada@example.com"}) || !d.Next.Equal(noon.Add(firstPause)) || !strings.Contains(d.Error, "451") {
		t.Errorf("after the first attempt: %+v", d)
	}
	b.flush(t, 0) // not due yet
	b.now = d.Next
	mu.Lock()
	answer = "550 no such user"
	mu.Unlock()
	b.flush(t, 1)
	want := &Delivery{
		ID: id, State: StateDelivered, Attempts: 2, Done: noon, Accepted: []string{"grace@example.com"},
		Refused: map[string]string{"ada@example.com": "550 no such user"},
	}
	if d := cmp.Diff(want, b.delivery(t, id)); d != "" {
		t.Errorf("delivery (-want +got):\n%s", d)
	}
	if got := b.server.got(); len(got) != 1 || !slices.Equal(got[0].to, []string{"grace@example.com"}) {
		t.Errorf("grace got %d messages: %v", len(got), got)
	}
}

func TestQueueGivesUp(t *testing.T) {
	b := newBench(t, answers("MAIL", "451 not now"))
	id := b.box.add("ada@example.com")
	for i := range maxAttempts {
		b.flush(t, 1)
		d := b.delivery(t, id)
		if last := i == maxAttempts-1; (d.State == StateFailed) != last {
			t.Fatalf("attempt %d: %+v", i+1, d)
		}
		b.now = d.Next
	}
	b.now = noon.Add(100 * time.Hour)
	b.flush(t, 0)
	if total := b.delivery(t, id); total.Attempts != maxAttempts || total.Error == "" {
		t.Errorf("in the end: %+v", total)
	}
}

func TestQueueCannotSend(t *testing.T) {
	b := newBench(t, nil)
	tests := map[string]struct {
		id, want string
	}{
		"no address": {b.box.add("nobody"), "no e-mail address"},
		"injection":  {b.box.add("ada@example.com\r\nBcc: eve@example.com"), "no e-mail address"},
		"too old":    {b.box.add("ada@example.com"), "older than 5 days"},
		"no kind":    {b.box.add("ada@example.com"), "no such kind"},
	}
	b.box.mails[2].Created = noon.Add(-maxAge - time.Second)
	b.box.mails[3].Template = "no-such"
	half := b.box.add("nobody", "ada@example.com")
	b.flush(t, 5)
	for name, tt := range tests {
		if d := b.delivery(t, tt.id); d.State != StateFailed || !strings.Contains(d.Error, tt.want) || strings.ContainsAny(d.Error, "\r\n") {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := b.delivery(t, half); d.State != StateDelivered || len(d.Refused) != 1 {
		t.Errorf("one of two addresses: %+v", d)
	}
	if got := b.server.got(); len(got) != 1 {
		t.Errorf("the server took %d messages", len(got))
	}
}

// TestQueueKilled: whoever dies while it sends loses nothing. The message is
// sent by another process once the lease is over, with the same Message-ID.
func TestQueueKilled(t *testing.T) {
	var mu sync.Mutex
	answer := "close after" // the message is taken, and the sender dies before it knows
	b := newBench(t, func(s *smtpServer) {
		s.answer = func(c string) string {
			mu.Lock()
			defer mu.Unlock()
			if c == "." {
				return answer
			}
			return ""
		}
	})
	id := b.box.add("ada@example.com")
	if err := b.collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := b.take(t.Context())
	if err != nil || d == nil {
		t.Fatalf("take: %v, %v", d, err)
	}
	b.try(t.Context(), d) // and no settle: the process is killed here
	mu.Lock()
	answer = ""
	mu.Unlock()

	other := b.queue(t, "two")
	if n, err := other.Flush(t.Context()); err != nil || n != 0 {
		t.Fatalf("another process sent a leased message: %d, %v", n, err)
	}
	b.now = b.now.Add(lease)
	if n, err := other.Flush(t.Context()); err != nil || n != 1 {
		t.Fatalf("after the lease: %d, %v", n, err)
	}
	got := b.server.got()
	if len(got) != 2 || messageIDOf(got[0].data) == "" || messageIDOf(got[0].data) != messageIDOf(got[1].data) {
		t.Fatalf("the server took %d messages: %v", len(got), got)
	}
	// The first one was not dead, only slow: its answer comes too late to count.
	if err := b.settle(t.Context(), d, outcome{later: d.Pending, err: errStop}); err != nil {
		t.Fatal(err)
	}
	if now := b.delivery(t, id); now.State != StateDelivered || now.Attempts != 2 {
		t.Errorf("in the end: %+v", now)
	}
}

func messageIDOf(data string) string {
	for line := range strings.Lines(data) {
		if id, ok := strings.CutPrefix(line, "Message-ID: "); ok {
			return strings.TrimSpace(id)
		}
	}
	return ""
}

// TestQueueTwoProcesses: several senders on one store send each message once.
func TestQueueTwoProcesses(t *testing.T) {
	b := newBench(t, nil)
	const n = 40
	for range n {
		b.box.add("ada@example.com")
	}
	var wg sync.WaitGroup
	for i := range 4 {
		q := b.queue(t, strconv.Itoa(i))
		wg.Go(func() {
			if _, err := q.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ids := map[string]int{}
	for _, m := range b.server.got() {
		ids[messageIDOf(m.data)]++
	}
	if len(ids) != n || len(b.server.got()) != n {
		t.Errorf("%d messages with %d ids, want %d", len(b.server.got()), len(ids), n)
	}
}

// TestQueueEnds: the end of the process is no failure of a message.
func TestQueueEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, func(s *smtpServer) {
		s.answer = func(c string) string {
			if strings.HasPrefix(c, "RCPT") {
				cancel()
				return "close"
			}
			return ""
		}
	})
	id := b.box.add("ada@example.com")
	if n, err := b.Flush(ctx); err != nil || n != 1 {
		t.Errorf("Flush: %d, %v", n, err)
	}
	if d := b.delivery(t, id); d.State != StateWaiting || d.Attempts != 0 || d.Owner != "" {
		t.Errorf("left as %+v", d)
	}
}

func TestQueueRun(t *testing.T) {
	b := newBench(t, nil)
	b.box.add("ada@example.com")
	passes := 0
	ctx, cancel := context.WithCancel(t.Context())
	b.cfg.Sleep = func(ctx context.Context, _ time.Duration) error {
		if passes++; passes == 2 {
			b.box.add("grace@example.com")
			// What another process writes shows in the version of the store.
			if err := b.store.Update(ctx, func(tx store.Tx) error { return tx.SetValue("x", []byte("y")) }); err != nil {
				t.Error(err)
			}
		}
		if passes == 4 {
			cancel()
		}
		return ctx.Err()
	}
	b.Run(ctx, time.Second)
	if got := b.server.got(); len(got) != 2 {
		t.Errorf("the server took %d messages", len(got))
	}
}

func TestNewQueueRefuses(t *testing.T) {
	b := newBench(t, nil)
	good := b.cfg
	for name, change := range map[string]func(*Config){
		"no store": func(c *Config) { c.Store = nil }, "no server": func(c *Config) { c.Server.Addr = "" },
		"sender": func(c *Config) { c.From = "me" }, "no owner": func(c *Config) { c.Owner = "" },
	} {
		c := good
		change(&c)
		if _, err := NewQueue(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	good.From = "me"
	if _, err := NewQueue(good); !errors.Is(err, ErrAddress) {
		t.Errorf("sender: %v", err)
	}
}

// TestQueueOneFile: two processes on one database file, as two servers are.
func TestQueueOneFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "idctl.db")
	open := func() store.Store {
		st, err := sqlite.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		return st
	}
	b := &bench{box: &box{}, store: open(), server: startSMTP(t, nil), now: noon}
	one := b.queue(t, "one")
	b.store = open()
	two := b.queue(t, "two")
	if err := errors.Join(one.Start(t.Context()), two.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	const n = 12
	for range n {
		b.box.add("ada@example.com")
	}
	var wg sync.WaitGroup
	for _, q := range []*Queue{one, two} {
		wg.Go(func() {
			if _, err := q.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, m := range b.server.got() {
		ids[messageIDOf(m.data)] = true
	}
	if len(ids) != n || len(b.server.got()) != n {
		t.Errorf("%d messages with %d ids, want %d", len(b.server.got()), len(ids), n)
	}
}
