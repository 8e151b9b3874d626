package engine

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// sequences is how many random sequences TestAccessIsConsistent tries on each
// store; a campaign takes 10000.
var sequences = flag.Int("sequences", 500, "random sequences of grants and memberships per store")

// accessModel is what grants are to mean, in the simplest words.
type accessModel struct {
	users  map[string]bool
	groups map[string]map[string]bool // members
	apps   map[string]bool            // managed
	roles  map[string]string          // app
	grants map[string]modelGrant      // those that somebody made, by id
}

type modelGrant struct{ kind, grantee, app, role string }

// modelEntry is one grant as views show it.
type modelEntry struct{ Kind, Grantee, App, Role, Mechanism, From string }

// all are the grants that there have to be: those that were made, and one for
// each member of a group that a managed app was granted to.
func (m *accessModel) all() []modelEntry {
	var out []modelEntry
	for _, g := range m.grants {
		out = append(out, modelEntry{g.kind, g.grantee, g.app, g.role, mechanismFor(g.kind), ""})
		if g.kind == "Group" && g.role == "" && m.apps[g.app] {
			for u := range m.groups[g.grantee] {
				out = append(out, modelEntry{"User", u, g.app, "", byMembership, g.grantee})
			}
		}
	}
	return out
}

func mechanismFor(kind string) string { return "ADMINISTRATOR_TO_" + strings.ToUpper(kind) }

// drop removes what refers to something that is gone.
func (m *accessModel) drop(id string) {
	delete(m.users, id)
	delete(m.groups, id)
	delete(m.apps, id)
	delete(m.roles, id)
	for _, members := range m.groups {
		delete(members, id)
	}
	for role, app := range m.roles {
		if app == id {
			delete(m.roles, role)
		}
	}
	maps.DeleteFunc(m.grants, func(_ string, g modelGrant) bool {
		_, gone := m.roles[g.role]
		return g.grantee == id || g.app == id || g.role != "" && !gone
	})
}

func (m *accessModel) clone() *accessModel {
	out := &accessModel{maps.Clone(m.users), map[string]map[string]bool{}, maps.Clone(m.apps), maps.Clone(m.roles), maps.Clone(m.grants)}
	for id, members := range m.groups {
		out.groups[id] = maps.Clone(members)
	}
	return out
}

// accessWalk is one random sequence.
type accessWalk struct {
	*bench
	m   *accessModel
	r   *rand.Rand
	n   int
	log []string
}

func pickOf[V any](r *rand.Rand, m map[string]V) string {
	keys := slices.Sorted(maps.Keys(m))
	if len(keys) == 0 {
		return ""
	}
	return keys[r.IntN(len(keys))]
}

func (w *accessWalk) grow(typ string) {
	w.n++
	switch typ {
	case "User":
		w.m.users[w.user(fmt.Sprintf("u%d", w.n))] = true
	case "Group":
		w.m.groups[w.create("Group", fmt.Sprintf(`{"displayName":"g%d"}`, w.n))["id"].(string)] = map[string]bool{}
	case "App":
		managed, ext := w.r.IntN(3) > 0, ""
		if managed {
			ext = `,"` + managedAppURN + `":{"enableSync":true}`
		}
		doc := w.create("App", fmt.Sprintf(`{"displayName":"a%d","isOAuthClient":true,"basedOnTemplate":{"value":"CustomWebAppTemplateId"}%s}`, w.n, ext))
		w.m.apps[doc["id"].(string)] = managed
	case "AppRole":
		if app := pickOf(w.r, w.m.apps); app != "" {
			doc := w.create("AppRole", fmt.Sprintf(`{"displayName":"r%d","app":{"value":%q}}`, w.n, app))
			w.m.roles[doc["id"].(string)] = app
		}
	}
}

// errUndo takes a transaction back.
var errUndo = errors.New("undo")

// step does one thing, in a transaction that in some cases comes to nothing.
func (w *accessWalk) step() {
	undo := w.r.IntN(8) == 0
	before := w.m.clone()
	err := w.e.Do(w.ctx(), admin, func(tx *Tx) error {
		for range 1 + w.r.IntN(2) {
			w.act(tx)
		}
		if undo {
			return errUndo
		}
		return nil
	})
	if undo {
		w.m = before
		w.log = append(w.log, "undone")
	} else if err != nil {
		w.fail("commit: %v", err)
	}
}

func (w *accessWalk) fail(format string, args ...any) {
	w.Helper()
	w.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

func (w *accessWalk) act(tx *Tx) {
	note := func(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.fail("%v", err)
		}
	}
	group, user := pickOf(w.r, w.m.groups), pickOf(w.r, w.m.users)
	switch k := w.r.IntN(20); {
	case k < 8:
		w.grant(tx)
	case k < 11:
		id := pickOf(w.r, w.m.grants)
		if id == "" {
			return
		}
		note("revoke %v", w.m.grants[id])
		must(tx.Delete("Grant", id, Params{}))
		delete(w.m.grants, id)
	case k < 15 && group != "" && user != "":
		note("%s joins %s", user, group)
		_, err := tx.Patch("Group", group, []PatchOp{{Op: "add", Path: "members", Value: []any{map[string]any{"value": user, "type": "User"}}}}, Params{})
		must(err)
		w.m.groups[group][user] = true
	case k < 17 && group != "" && user != "":
		note("%s leaves %s", user, group)
		_, err := tx.Patch("Group", group, []PatchOp{{Op: "remove", Path: `members[value eq "` + user + `"]`}}, Params{})
		must(err)
		delete(w.m.groups[group], user)
	case k == 17 && group != "":
		var list []any
		members := map[string]bool{}
		for id := range w.m.users {
			if w.r.IntN(2) == 0 {
				members[id] = true
				list = append(list, map[string]any{"value": id, "type": "User"})
			}
		}
		note("%s has %v", group, members)
		_, err := tx.Replace("Group", group, Document{"displayName": group, "members": list}, Params{})
		must(err)
		w.m.groups[group] = members
	case k == 18:
		typ, id := "User", user
		switch w.r.IntN(4) {
		case 0:
			typ, id = "Group", group
		case 1:
			typ, id = "App", pickOf(w.r, w.m.apps)
		case 2:
			typ, id = "AppRole", pickOf(w.r, w.m.roles)
		}
		if id == "" {
			return
		}
		note("delete %s %s", typ, id)
		must(tx.Delete(typ, id, Params{Force: w.r.IntN(2) == 0}))
		w.m.drop(id)
	}
}

// grant grants something at random, and knows what has to come of it.
func (w *accessWalk) grant(tx *Tx) {
	g := modelGrant{kind: []string{"User", "Group", "App"}[w.r.IntN(3)], app: pickOf(w.r, w.m.apps)}
	switch g.kind {
	case "User":
		g.grantee = pickOf(w.r, w.m.users)
	case "Group":
		g.grantee = pickOf(w.r, w.m.groups)
	case "App":
		g.grantee = pickOf(w.r, w.m.apps)
	}
	if g.kind == "App" || w.r.IntN(2) == 0 {
		if g.role = pickOf(w.r, w.m.roles); g.role == "" {
			return
		}
		g.app = w.m.roles[g.role]
	}
	if g.app == "" || g.grantee == "" {
		return
	}
	doc := Document{
		"grantMechanism": mechanismFor(g.kind), "app": map[string]any{"value": g.app},
		"grantee": map[string]any{"type": g.kind, "value": g.grantee},
	}
	if g.role != "" {
		doc["entitlement"] = map[string]any{"attributeName": "appRoles", "attributeValue": g.role}
	}
	w.log = append(w.log, fmt.Sprintf("grant %v", g))
	held := ""
	for id, x := range w.m.grants {
		if x == g {
			held = id
		}
	}
	res, err := tx.Create("Grant", doc, Params{})
	refused, _ := errors.AsType[*Error](err)
	switch {
	case held != "" && g.kind == "Group" && g.role != "":
		if err != nil || res.Doc["id"] != any(held) {
			w.fail("repeated: %v, %v, want %s", res, err, held)
		}
	case held != "":
		if refused == nil || refused.Status != 409 {
			w.fail("a duplicate: %v", err)
		}
	case err != nil:
		w.fail("%v", err)
	default:
		w.m.grants[res.Doc["id"].(string)] = g
	}
}

// view reads an attribute of a resource as a sorted list of texts.
func (w *accessWalk) view(typ, id, attr string, subs ...string) []string {
	w.Helper()
	doc := w.get(typ, id, attr)
	if i := strings.LastIndex(attr, ":"); i >= 0 {
		doc, attr = asMap(doc[attr[:i]]), attr[i+1:]
	}
	var out []string
	for _, x := range elements(doc[attr]) {
		var parts []string
		for _, sub := range subs {
			parts = append(parts, fmt.Sprint(asMap(x)[sub]))
		}
		out = append(out, strings.Join(parts, " "))
	}
	slices.Sort(out)
	return out
}

func (w *accessWalk) same(what string, got, want []string) {
	w.Helper()
	if len(got)+len(want) == 0 {
		return
	}
	slices.Sort(want)
	if d := cmp.Diff(slices.Compact(want), got); d != "" {
		w.fail("%s (-want +got):\n%s", what, d)
	}
}

// check compares what the resources say with the model.
func (w *accessWalk) check() {
	w.Helper()
	all := w.m.all()
	// each makes the texts of the entries that f chooses.
	each := func(f func(e modelEntry) string) []string {
		var out []string
		for _, e := range all {
			if s := f(e); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	for user := range w.m.users {
		w.same("grants of user "+user, w.view("User", user, userURN+":grants", "appId", "grantMechanism", "value"), w.grantsTo(user))
		direct := map[string]bool{}
		roles := each(func(e modelEntry) string {
			if e.Grantee != user || e.Role == "" {
				return ""
			}
			direct[e.Role] = true
			return e.Role + " direct"
		})
		roles = append(roles, each(func(e modelEntry) string {
			if e.Kind != "Group" || e.Role == "" || direct[e.Role] || !w.m.groups[e.Grantee][user] {
				return ""
			}
			return e.Role + " indirect"
		})...)
		got := w.view("User", user, userURN+":appRoles", "value")
		w.same("roles of user "+user, got, firstWords(roles))
		for _, role := range roles {
			id, typ, _ := strings.Cut(role, " ")
			if ids := w.names("User", "id", userURN+`:appRoles[value eq "`+id+`" and type eq "`+typ+`"]`); !slices.Contains(ids, user) {
				w.fail("user %s is not among those with %s: %v", user, role, ids)
			}
		}
		w.same("accounts of user "+user, w.view("User", user, userURN+":accounts", "appId"), each(func(e modelEntry) string {
			if e.Grantee != user || e.Role != "" {
				return ""
			}
			return e.App
		}))
	}
	for group, members := range w.m.groups {
		w.same("grants of group "+group, w.view("Group", group, groupURN+":grants", "appId", "grantMechanism", "value"), w.grantsTo(group))
		w.same("roles of group "+group, w.view("Group", group, groupURN+":appRoles", "value"), each(func(e modelEntry) string {
			if e.Grantee != group {
				return ""
			}
			return e.Role
		}))
		w.same("members of "+group, w.view("Group", group, "members", "value"), slices.Collect(maps.Keys(members)))
	}
	for app := range w.m.apps {
		got := w.view("App", app, "grants", "granteeType", "granteeId", "grantMechanism")
		want := each(func(e modelEntry) string {
			if e.App != app {
				return ""
			}
			return e.Kind + " " + e.Grantee + " " + e.Mechanism
		})
		if len(got) != len(want) {
			w.fail("app %s has %d grants, want %d", app, len(got), len(want))
		}
		w.same("grants of app "+app, slices.Compact(got), want)
		w.same("accounts of app "+app, w.view("App", app, "accounts", "ownerId"), each(func(e modelEntry) string {
			if e.App != app || e.Kind != "User" || e.Role != "" {
				return ""
			}
			return e.Grantee
		}))
		w.same("roles granted to app "+app, w.view("App", app, "grantedAppRoles", "value"), each(func(e modelEntry) string {
			if e.Grantee != app {
				return ""
			}
			return e.Role
		}))
	}
	for role := range w.m.roles {
		w.same("members of role "+role, w.view("AppRole", role, "members", "type", "value"), each(func(e modelEntry) string {
			if e.Role != role || e.Kind == "App" {
				return ""
			}
			return e.Kind + " " + e.Grantee
		}))
		got := w.names("App", "id", `grantedAppRoles.value eq "`+role+`"`)
		slices.Sort(got)
		w.same("apps with role "+role, got, each(func(e modelEntry) string {
			if e.Role != role || e.Kind != "App" {
				return ""
			}
			return e.Grantee
		}))
	}
	w.total("Grant", len(all))
	accounts := each(func(e modelEntry) string {
		if e.Kind != "User" || e.Role != "" {
			return ""
		}
		return e.App + e.Grantee
	})
	slices.Sort(accounts)
	w.total(accountType, len(slices.Compact(accounts)))
}

// grantsTo are the grants that a grantee has to show. Those that follow a group
// are found by it, since the model does not know their ids.
func (w *accessWalk) grantsTo(grantee string) []string {
	w.Helper()
	var out []string
	for id, g := range w.m.grants {
		if g.grantee == grantee {
			out = append(out, g.app+" "+mechanismFor(g.kind)+" "+id)
		}
	}
	for _, e := range w.m.all() {
		if e.Grantee != grantee || e.From == "" {
			continue
		}
		l, err := w.e.List(w.ctx(), admin, "Grant", Params{Filter: `grantee.value eq "` + grantee + `" and app.value eq "` + e.App + `"`})
		if err != nil {
			w.Fatal(err)
		}
		found := ""
		for _, d := range l.Resources {
			if asMap(d["grantor"])["value"] == any(e.From) {
				found, _ = d["id"].(string)
			}
		}
		out = append(out, e.App+" "+byMembership+" "+found)
	}
	return out
}

func (w *accessWalk) total(typ string, want int) {
	w.Helper()
	l, err := w.e.List(w.ctx(), admin, typ, Params{Count: number(0)})
	if err != nil {
		w.Fatal(err)
	}
	if l.Total != want {
		w.fail("%d of %s, want %d", l.Total, typ, want)
	}
}

func firstWords(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i], _, _ = strings.Cut(s, " ")
	}
	return out
}

// TestAccessIsConsistent: after random sequences of grants, revocations,
// changes of membership and deletions, what users, groups, apps, roles, grants
// and accounts say of each other is what a simple model says, in both stores.
func TestAccessIsConsistent(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"sqlite": func(t *testing.T) store.Store {
			t.Helper()
			st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "db"))
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := open(t)
			t.Cleanup(func() {
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			})
			n := 0
			e := New(st, schemas.Default(), Options{
				Clock:        &tick{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
				PasswordCost: 1,
				NewID: func() string {
					n++
					return fmt.Sprintf("%032x", n)
				},
			})
			for i := range *sequences {
				if err := st.Reset(t.Context()); err != nil {
					t.Fatal(err)
				}
				n = 0
				r := rand.New(rand.NewPCG(uint64(i), 7)) // the same every time
				w := &accessWalk{bench: &bench{TB: t, e: e}, m: &accessModel{
					map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]modelGrant{},
				}, r: r, log: []string{fmt.Sprintf("sequence %d", i)}}
				for _, typ := range []string{"User", "User", "User", "Group", "Group", "App", "App", "AppRole", "AppRole"} {
					w.grow(typ)
				}
				for range 6 + r.IntN(14) {
					w.step()
				}
				w.check()
			}
		})
	}
}
