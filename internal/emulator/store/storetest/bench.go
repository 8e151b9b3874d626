package storetest

import (
	"fmt"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
)

const benchRecords = 20_000

// person is a record of the size and with the entries that users have.
func person(i int) store.Record {
	r := user(fmt.Sprintf("%032x", i))
	r.Data = make([]byte, 1500)
	for j := range r.Data {
		r.Data[j] = byte('a' + (i+j)%26)
	}
	mail := fmt.Sprintf("user%07d@example.com", i*7919%10_000_000)
	r.Index = []store.Entry{
		{Path: "userName", Value: mail},
		{Path: "id", Value: r.ID},
		{Path: "externalId", Value: fmt.Sprint("x", i)},
		{Path: "displayName", Value: fmt.Sprint("User ", i%5000)},
		{Path: "name.familyName", Value: fmt.Sprint("Family ", i%3000)},
		{Path: "active", Value: fmt.Sprint(i%10 != 0)},
		{Path: "meta.created", Value: fmt.Sprintf("2026-01-01T%08d", i)},
		{Path: "meta.lastModified", Value: fmt.Sprintf("2026-02-01T%08d", i)},
		{Path: "emails.value", Value: mail},
		{Path: "emails.type", Value: "work"},
		{Path: "emails.value", Elem: 1, Value: "home" + mail},
		{Path: "emails.type", Elem: 1, Value: "home"},
	}
	r.Unique = []store.Claim{{Path: "userName", Value: mail}}
	return r
}

func insertPeople(b *testing.B, s store.Store, from, n int) {
	b.Helper()
	for n > 0 {
		chunk := min(n, 1000)
		err := s.Update(b.Context(), func(tx store.Tx) error {
			for i := range chunk {
				if err := tx.Insert(person(from + i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		from, n = from+chunk, n-chunk
	}
}

// Bench measures inserts, look-ups, pages and counts, on 20,000 records where
// it reads.
func Bench(b *testing.B, open func(testing.TB) store.Store) {
	b.Helper()
	b.Run("Insert1000PerUpdate", func(b *testing.B) {
		s := opened(b, open)
		next := 0
		for b.Loop() {
			insertPeople(b, s, next, 1000)
			next += 1000
		}
		b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("InsertSingle", func(b *testing.B) {
		s := opened(b, open)
		next := 0
		for b.Loop() {
			insertPeople(b, s, next, 1)
			next++
		}
	})
	s := opened(b, open)
	insertPeople(b, s, 0, benchRecords)
	read := func(name string, f func(tx store.Tx, i int) error) {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				if err := s.View(b.Context(), func(tx store.Tx) error { return f(tx, i) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run := func(tx store.Tx, q store.Query, rows int) error {
		n := 0
		for _, err := range tx.Query(q) {
			if err != nil {
				return err
			}
			n++
		}
		if n != rows {
			return fmt.Errorf("%d rows, want %d", n, rows)
		}
		return nil
	}
	read("Get", func(tx store.Tx, i int) error {
		_, err := tx.Get("User", fmt.Sprintf("%032x", i%benchRecords))
		return err
	})
	read("ByName", func(tx store.Tx, i int) error {
		return run(tx, store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: person(i % benchRecords).Index[0].Value}}}, 1)
	})
	for _, at := range []int{0, benchRecords / 2, benchRecords - 50} {
		read(fmt.Sprintf("Page50ByNameOffset%d", at), func(tx store.Tx, _ int) error {
			return run(tx, store.Query{Type: "User", SortPath: "userName", Offset: at, Limit: 50}, 50)
		})
	}
	active := []store.Cond{{Path: "active", Value: "true"}}
	read("Page50ActiveByNameOffset9000", func(tx store.Tx, _ int) error {
		return run(tx, store.Query{Type: "User", Conds: active, SortPath: "userName", Offset: 9000, Limit: 50}, 50)
	})
	count := func(tx store.Tx, want int) error {
		n, err := tx.Count(store.Query{Type: "User", Conds: active})
		if err == nil && n != want {
			err = fmt.Errorf("counted %d, want %d", n, want)
		}
		return err
	}
	read("CountActive", func(tx store.Tx, _ int) error { return count(tx, benchRecords*9/10) })
	b.Run("CountActiveAfterWrite", func(b *testing.B) {
		for b.Loop() {
			err := s.Update(b.Context(), func(tx store.Tx) error { return tx.SetValue("v", nil) })
			if err == nil {
				err = s.View(b.Context(), func(tx store.Tx) error { return count(tx, benchRecords*9/10) })
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
