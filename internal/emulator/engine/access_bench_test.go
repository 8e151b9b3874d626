package engine

import (
	"fmt"
	"testing"
)

// bigGroup is a domain with a managed app and a group with members, put into
// the store in one transaction each thousand.
func bigGroup(b *testing.B, size int) (t *bench, group, app, spare string) {
	b.Helper()
	t = newBench(b, func(o *Options) { o.NewID = randomID })
	app = t.create("App", `{"displayName":"Payroll","basedOnTemplate":{"value":"CustomWebAppTemplateId"},"`+managedAppURN+`":{"enableSync":true}}`)["id"].(string)
	group = t.create("Group", `{"displayName":"everyone"}`)["id"].(string)
	spare = t.user("spare")
	for n := 0; n < size; n += 1000 {
		err := t.e.Do(t.ctx(), admin, func(tx *Tx) error {
			var list []any
			for i := n; i < min(n+1000, size); i++ {
				res, err := tx.Create("User", Document{
					"userName": fmt.Sprintf("user%06d", i), "name": map[string]any{"familyName": "Family"},
					"emails": []any{map[string]any{"value": fmt.Sprintf("user%06d@example.com", i), "type": "work", "primary": true}},
				}, Params{Attributes: []string{"id"}})
				if err != nil {
					return err
				}
				list = append(list, map[string]any{"value": res.Doc["id"], "type": "User"})
			}
			_, err := tx.Patch("Group", group, []PatchOp{{Op: "add", Path: "members", Value: list}}, Params{})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return t, group, app, spare
}

// BenchmarkBigGroup: what touches one member of a group, or one page of them,
// takes as long for a large group as for a small one; what touches all members
// takes time in proportion.
func BenchmarkBigGroup(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkGroup(b, size) })
	}
}

func benchmarkGroup(b *testing.B, size int) {
	b.Helper()
	t, group, app, spare := bigGroup(b, size)
	grant := Document{
		"grantMechanism": "ADMINISTRATOR_TO_GROUP", "app": map[string]any{"value": app},
		"grantee": map[string]any{"type": "Group", "value": group},
	}
	b.Run("grant-and-revoke", func(b *testing.B) {
		for b.Loop() {
			res, err := t.e.Create(t.ctx(), admin, "Grant", grant, Params{})
			if err != nil {
				b.Fatal(err)
			}
			if err := t.e.Delete(t.ctx(), admin, "Grant", res.Doc["id"].(string), Params{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(size), "µs/member")
	})
	if _, err := t.e.Create(t.ctx(), admin, "Grant", grant, Params{}); err != nil {
		b.Fatal(err)
	}
	b.Run("member", func(b *testing.B) {
		for b.Loop() {
			for _, op := range []PatchOp{
				{Op: "add", Path: "members", Value: []any{map[string]any{"value": spare, "type": "User"}}},
				{Op: "remove", Path: `members[value eq "` + spare + `"]`},
			} {
				if _, err := t.e.Patch(t.ctx(), admin, "Group", group, []PatchOp{op}, Params{}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("page", func(b *testing.B) {
		p := Params{Attributes: []string{fmt.Sprintf("members[startIndex=%d&count=50]", size/2)}}
		for b.Loop() {
			if _, err := t.e.Get(t.ctx(), admin, "Group", group, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
