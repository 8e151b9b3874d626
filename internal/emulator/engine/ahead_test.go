package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

const aheadUser = `{"userName":"%s","name":{"givenName":"Ada","familyName":"Love \"lace\" <é>"},"active":true,
	"emails":[{"value":"%[1]s@example.com","type":"work","primary":true}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Research"}}`

// between is a store in which something happens before an Update begins.
type between struct {
	store.Store
	before func()
}

func (s *between) Update(ctx context.Context, f func(store.Tx) error) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Update(ctx, f)
}

// blind is a store whose views do not lend for good, in which nothing is
// done ahead.
type blind struct{ store.Store }

func (s blind) View(ctx context.Context, f func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return f(struct{ store.Tx }{tx}) })
}

// everything is what a store holds, by type and in order of creation.
func everything(tb testing.TB, st store.Store) map[string][]string {
	tb.Helper()
	out := map[string][]string{}
	err := st.View(context.Background(), func(tx store.Tx) error {
		for _, typ := range []string{"User", auditType, tokenType, outboxType} {
			for row, err := range tx.Query(store.Query{Type: typ}) {
				if err != nil {
					return err
				}
				d, err := decode(row.Data)
				if err != nil {
					return err
				}
				for _, random := range []string{"sealed", sealedMember, digestPath} {
					if _, ok := d[random]; ok {
						d[random] = "random"
					}
				}
				text, err := AppendJSON(nil, d)
				if err != nil {
					return err
				}
				out[typ] = append(out[typ], row.ID+" "+row.Version+" "+string(text))
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func newOn(tb testing.TB, st store.Store) *bench {
	tb.Helper()
	n := 0
	return &bench{TB: tb, e: New(st, schemas.Default(), Options{
		Clock: still{}, PasswordCost: 1,
		NewID: func() string { n++; return fmt.Sprintf("%032x", n) },
	})}
}

// TestAheadIsTheSame compares what creates leave that were worked out ahead of
// their transaction with what those leave that were not, and the answers.
func TestAheadIsTheSame(t *testing.T) {
	mem, plain := memory.New(), memory.New()
	ahead, inside := newOn(t, mem), newOn(t, blind{plain})
	// The first create makes the key of sealed values, which is not done ahead.
	for _, b := range []*bench{ahead, inside} {
		err := b.e.Do(b.ctx(), admin, func(tx *Tx) error { _, err := tx.seal("x", nil); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	ti, err := ahead.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, body string
		ahead      bool
	}{
		{"invited", fmt.Sprintf(aheadUser, "ada"), true},
		{"inactive", strings.Replace(fmt.Sprintf(aheadUser, "grace"), `"active":true`, `"active":false`, 1), true},
		{"federated", strings.TrimSuffix(fmt.Sprintf(aheadUser, "mary"), "}") + `,"` + userURN + `":{"isFederatedUser":true}}`, true},
		{"nobody is told", strings.TrimSuffix(fmt.Sprintf(aheadUser, "joan"), "}") + `,"` + userURN + `":{"bypassNotification":true}}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ids := ahead.e.opts.NewID
			ahead.e.opts.NewID = randomID
			done := ahead.e.createAhead(ahead.ctx(), admin, ti, doc(t, tc.body), Params{})
			ahead.e.opts.NewID = ids
			if got := done != nil; got != tc.ahead {
				t.Fatalf("worked out ahead: %v, want %v", got, tc.ahead)
			}
			if diff := cmp.Diff(inside.createText(tc.body), ahead.createText(tc.body)); diff != "" {
				t.Errorf("answer (-inside +ahead):\n%s", diff)
			}
			if diff := cmp.Diff(everything(t, plain), everything(t, mem)); diff != "" {
				t.Errorf("store (-inside +ahead):\n%s", diff)
			}
		})
	}
}

// createText is create with the answer as text.
func (b *bench) createText(body string) string {
	b.Helper()
	res, err := b.e.Create(b.ctx(), admin, "User", doc(b, body), Params{Into: []byte{}})
	if err != nil {
		b.Fatal(err)
	}
	return string(res.JSON)
}

// TestAheadAndThenChanged changes what a create was worked out from before its
// transaction begins.
func TestAheadAndThenChanged(t *testing.T) {
	manager := func(id string) string {
		return strings.Replace(fmt.Sprintf(aheadUser, "ada"), `"department"`, `"manager":{"value":"`+id+`"},"department"`, 1)
	}
	for _, tc := range []struct {
		name   string
		body   func(boss string) string
		change func(b *bench, boss string)
		check  func(t *testing.T, b *bench, err error)
	}{
		{
			"the name is taken", func(string) string { return fmt.Sprintf(aheadUser, "ada") },
			func(b *bench, _ string) { b.user("ADA") },
			func(t *testing.T, b *bench, err error) {
				t.Helper()
				wantError(t, err, 409, msgDuplicate)
				if names := b.names("User", "userName", `userName eq "ada"`); len(names) != 1 {
					t.Errorf("users %v", names)
				}
			},
		},
		{
			"the manager is gone", manager,
			func(b *bench, boss string) {
				if err := b.e.Delete(b.ctx(), admin, "User", boss, Params{Force: true}); err != nil {
					b.Fatal(err)
				}
			},
			func(t *testing.T, _ *bench, err error) { t.Helper(); wantError(t, err, 400, msgReference) },
		},
		{
			"mails are turned off", func(string) string { return fmt.Sprintf(aheadUser, "ada") },
			func(b *bench, _ string) {
				d := b.get(notificationType, notificationSettings)
				d["notificationEnabled"] = false
				if _, err := b.e.Replace(b.ctx(), admin, notificationType, notificationSettings, d, Params{}); err != nil {
					b.Fatal(err)
				}
			},
			func(t *testing.T, b *bench, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				if mails, _, err := b.e.Outbox(b.ctx(), "", 0); err != nil || slices.ContainsFunc(mails, func(m Mail) bool { return m.To[0] == "ada@example.com" }) {
					t.Errorf("mails %v, %v", mails, err)
				}
			},
		},
		{
			"an attribute is defined", func(string) string { return fmt.Sprintf(aheadUser, "ada") },
			func(b *bench, _ string) {
				b.define(`[{"op":"add","path":"attributes","value":[{"name":"badge","type":"string","idcsDisplayName":"Badge"}]}]`)
			},
			func(t *testing.T, b *bench, err error) {
				t.Helper()
				if names := b.names("User", "userName", `userName eq "ada"`); err != nil || len(names) != 1 {
					t.Errorf("users %v, %v", names, err)
				}
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mem := memory.New()
			st := &between{Store: mem}
			b, other := newOn(t, st), newOn(t, mem)
			b.e.opts.NewID, other.e.opts.NewID = randomID, randomID
			boss := other.user("boss")
			happened := false
			st.before = func() { happened = true; tc.change(other, boss) }
			_, err := b.e.Create(b.ctx(), admin, "User", doc(t, tc.body(boss)), Params{})
			if !happened {
				t.Fatal("nothing happened before the transaction")
			}
			tc.check(t, b, err)
		})
	}
}

// TestAheadRace creates users with few names from many sides: each name must
// come through once, with one event and one mail.
func TestAheadRace(t *testing.T) {
	mem := memory.New()
	b := newOn(t, mem)
	b.e.opts.NewID = randomID
	const names, sides = 12, 6
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]int{}
	for range sides {
		wg.Go(func() {
			for n := range names {
				name := fmt.Sprintf("user%d", n)
				var body Document
				if err := json.Unmarshal(fmt.Appendf(nil, aheadUser, name), &body); err != nil {
					t.Error(err)
					return
				}
				_, err := b.e.Create(context.Background(), admin, "User", body, Params{})
				var refused *Error
				switch {
				case err == nil:
					mu.Lock()
					won[name]++
					mu.Unlock()
				case !errors.As(err, &refused) || refused.Status != 409:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range names {
		if name := fmt.Sprintf("user%d", n); won[name] != 1 {
			t.Errorf("%s came through %d times", name, won[name])
		}
	}
	for typ, list := range everything(t, mem) {
		if len(list) != names {
			t.Errorf("%d records of type %s, want %d", len(list), typ, names)
		}
	}
}

// TestMaskedText compares the masks of stored texts with those of documents.
func TestMaskedText(t *testing.T) {
	b := newBench(t)
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := storedRecord(b, shapedUser(b))
	if err != nil {
		t.Fatal(err)
	}
	d := doc(t, string(rec.Data))
	d["notDeclared"] = "x"
	d["password"] = "example secret"
	d["urn:example:unknown"] = map[string]any{"a": "b"}
	d[userStateURN] = map[string]any{"notDeclared": "x"}
	data, err := AppendJSON(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := ti.appendMaskedText(nil, data)
	if want := string(ti.appendMasked(nil, d)); !ok || string(got) != want {
		t.Errorf("%v %s\nwant %s", ok, got, want)
	}
	if strings.Contains(string(got), "example secret") {
		t.Errorf("a secret in %s", got)
	}
	for _, bad := range []string{"", "{", `{"a"`, `{"userName":}`, `{"userName":null}`, `{"emails":[{"value":"x"}`, `{"name":{"a":1}} `, `{"emails":[1 ,2]}`} {
		if out, ok := ti.appendMaskedText(nil, []byte(bad)); ok {
			t.Errorf("%s gives %s", bad, out)
		}
	}
}

// TestEventText compares the events of changes with documents encoded and
// indexed as all others are.
func TestEventText(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	if _, err := b.patch("User", id, `[{"op":"replace","path":"title","value":"\"é\" \u2028"}]`); err != nil {
		t.Fatal(err)
	}
	ti, err := b.e.info(auditType)
	if err != nil {
		t.Fatal(err)
	}
	if len(ti.unique) > 0 {
		t.Errorf("unique attributes %v", ti.unique)
	}
	found := 0
	err = b.e.Store().View(b.ctx(), func(tx store.Tx) error {
		for row, err := range tx.Query(store.Query{Type: auditType}) {
			if err != nil {
				return err
			}
			found++
			d := doc(t, string(row.Data))
			again, err := ti.record(row.ID, d, row.Version, row.Created, row.Modified)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(string(again.Data), string(row.Data)); diff != "" {
				t.Errorf("event (-document +text):\n%s", diff)
			}
			for _, e := range again.Index {
				n, err := tx.Count(store.Query{Type: auditType, Conds: []store.Cond{{Path: e.Path, Value: e.Value}}})
				if err != nil || n == 0 {
					t.Errorf("%s %q finds %d events, %v", e.Path, e.Value, n, err)
				}
			}
		}
		return nil
	})
	if err != nil || found != 2 {
		t.Errorf("%d events, %v", found, err)
	}
}

// TestMailText checks that a mail reads as it was written.
func TestMailText(t *testing.T) {
	for _, m := range []storedMail{
		{Mail: Mail{ID: "1", To: []string{"ada@example.com"}, Template: MailWelcome, Created: still{}.Now()}},
		{
			Mail: Mail{
				ID: "2", To: []string{"ada@example.com", `"g"@example.com`}, Template: MailBypassCode, UserID: "u", Created: still{}.Now(),
				Language: "de", Data: map[string]string{"userName": "<é> \"x\"\n", "a": ""}, Link: LinkPath + maskedValue,
				Secrets: map[string]string{"code": maskedValue},
			},
			Sealed: []byte{0, 255, 7},
		},
	} {
		var got storedMail
		if err := json.Unmarshal(m.appendJSON(nil), &got); err != nil {
			t.Fatalf("%v in %s", err, m.appendJSON(nil))
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("mail (-want +got):\n%s", diff)
		}
	}
}
