package groups

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// changeOptions are what members add, remove and set need.
type changeOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[result]
	Group string
	Users []string
}

// result is what was done to one membership.
type result struct {
	User   string `json:"user"`
	ID     string `json:"id,omitempty"`
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

// The results of a membership.
const (
	added     = "added"
	removed   = "removed"
	unchanged = "unchanged"
	failed    = "failed"
)

func newChangeOptions(d *cmdutil.Deps) *changeOptions {
	return &changeOptions{Deps: d, Print: output.New(d.Output, output.Spec[result]{
		Columns: []output.Column[result]{
			{Name: "User", Path: "user", Get: func(r *result) string { return r.User }},
			{Name: "Result", Path: "result", Get: func(r *result) string { return r.Result }},
			{Name: "ID", Path: "id", Wide: true, Get: func(r *result) string { return r.ID }},
			{Name: "Error", Path: "error", Wide: true, Get: func(r *result) string { return r.Error }},
		},
		Key: func(r *result) string { return r.User },
	})}
}

func (o *changeOptions) command(use, short, long, example string, run func(context.Context, *changeOptions) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdutil.One("group")(cmd, args)
			}
			return cmdutil.AtLeast(1, "user")(cmd, args[1:])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Group, o.Users = args[0], args[1:]
			return run(cmd.Context(), o)
		},
	}
}

func newAddCmd(d *cmdutil.Deps, run func(context.Context, *changeOptions) error) *cobra.Command {
	return newChangeOptions(d).command("add <group> <user>...", "Add users to a group",
		"Add users to a group. Those who are members already stay so. A single - reads users from\n"+
			"standard input, one a line. One that is not found does not stop the others: the exit code is then 3.",
		"  idctl groups members add Engineering ada@example.com\n"+
			`  idctl users list --filter 'title eq "Analyst"' -o name | idctl groups members add Analysts -`, run)
}

func newRemoveCmd(d *cmdutil.Deps, run func(context.Context, *changeOptions) error) *cobra.Command {
	cmd := newChangeOptions(d).command("remove <group> <user>...", "Remove users from a group",
		"Remove users from a group; the users themselves stay. A single - reads users from standard\n"+
			"input, one a line, and needs --yes.",
		"  idctl groups members remove Engineering ada@example.com", run)
	cmd.Aliases = []string{"rm"}
	return cmd
}

func newSetCmd(d *cmdutil.Deps, run func(context.Context, *changeOptions) error) *cobra.Command {
	return newChangeOptions(d).command("set <group> <user>...", "Make users the only members of a group",
		"Add the users who are not members yet and remove all other members. Nothing is changed when\n"+
			"one of the users is not found, or when no user is named at all. A single - reads users from\n"+
			"standard input, one a line, and needs --yes where members go.",
		"  idctl groups members set Engineering ada@example.com bob@example.com\n"+
			"  idctl groups members set Engineering - --yes < logins.txt", run)
}

// runAdd adds users batch by batch, as they come.
func runAdd(ctx context.Context, o *changeOptions) error {
	return o.batchwise(ctx, added, func(ctx context.Context, m *membership, list []scim.Document) error {
		return m.add(ctx, ids(list))
	})
}

// runRemove removes users batch by batch.
func runRemove(ctx context.Context, o *changeOptions) error {
	if !o.Deps.Flags.Yes {
		if slices.Contains(o.Users, "-") {
			return cmdutil.Usagef("remove - needs --yes: standard input holds the names and no answer")
		}
		act := fmt.Sprintf("remove %d members from group %s", len(o.Users), o.Group)
		if len(o.Users) == 1 {
			act = fmt.Sprintf("remove %s from group %s", o.Users[0], o.Group)
		}
		if err := o.Deps.Confirm(ctx, act, len(o.Users)); err != nil {
			return err
		}
	}
	return o.batchwise(ctx, removed, func(ctx context.Context, m *membership, list []scim.Document) error {
		return m.remove(ctx, ids(list))
	})
}

func ids(list []scim.Document) []string {
	out := make([]string, len(list))
	for i, u := range list {
		out[i] = u.ID()
	}
	return out
}

// report collects results and prints them: as a list for programs, in numbers
// for a person.
type report struct {
	*changeOptions
	rows   *output.Writer[result]
	counts map[string]int
	first  error
}

func (o *changeOptions) report() (*report, error) {
	r := &report{changeOptions: o, counts: map[string]int{}}
	if f := o.Deps.Output.Format; f != "" && f != output.Table && f != output.Wide {
		var err error
		if r.rows, err = o.Print.Begin(o.Deps.IO); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *report) row(user scim.Document, key, what string, failure error) error {
	out := result{User: key, ID: user.ID(), Result: what}
	if s := user.String("userName"); s != "" {
		out.User = s
	}
	r.counts[what]++
	if failure != nil {
		out.Error = failure.Error()
		if r.first == nil {
			r.first = failure
		}
		if err := directory.PrintError(r.Deps, failure); err != nil {
			return err
		}
	}
	if r.rows == nil || what == failed && r.Deps.Output.Format == output.Name {
		return nil
	}
	return r.rows.Row(&out)
}

// end is the summary and the error of the whole.
func (r *report) end(group string, stop error) error {
	if r.rows != nil {
		if err := r.rows.End(); err != nil {
			return err
		}
	}
	done := r.counts[added] + r.counts[removed] + r.counts[unchanged]
	if r.rows == nil {
		var words []string
		for _, what := range []string{added, removed, unchanged, failed} {
			if n := r.counts[what]; n > 0 {
				words = append(words, fmt.Sprintf("%d %s", n, what))
			}
		}
		if len(words) == 0 {
			words = []string{"nothing to do"}
		}
		if err := directory.Note(r.Deps, "group %s: %s", group, strings.Join(words, ", ")); err != nil {
			return err
		}
	}
	failure := r.first
	if stop != nil {
		failure = stop
	}
	total := done + r.counts[failed]
	switch {
	case failure == nil:
		return nil
	case done == 0 && (stop != nil || total == 1):
		return fmt.Errorf("members of group %q: %w", group, failure)
	}
	return &cmdutil.PartialError{What: "members", Done: done, Total: total, Err: failure}
}

// batchwise looks users up in batches, leaves out those of whom the change
// holds already, and changes the others.
func (o *changeOptions) batchwise(ctx context.Context, what string, change func(context.Context, *membership, []scim.Document) error) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	m, err := open(ctx, o.Deps, o.Group)
	if err != nil {
		return fmt.Errorf("members of %w", err)
	}
	rep, err := o.report()
	if err != nil {
		return err
	}
	users := userBase(o.Deps)
	for batch, err := range directory.Batches(cmdutil.Keys(ctx, o.Users, o.Deps.IO.In)) {
		if err != nil {
			return rep.end(m.name(), err)
		}
		var there []scim.Document
		for _, f := range users.FindAll(ctx, m.users, batch, scim.ListOptions{Attributes: []string{"userName"}}) {
			switch {
			case directory.Fatal(f.Err):
				return rep.end(m.name(), f.Err)
			case f.Err != nil:
				if err := rep.row(nil, f.Key, failed, f.Err); err != nil {
					return err
				}
			default:
				there = append(there, f.Doc)
			}
		}
		if err := o.change(ctx, m, rep, what, there, change); err != nil {
			return rep.end(m.name(), err)
		}
	}
	return rep.end(m.name(), nil)
}

func (o *changeOptions) change(ctx context.Context, m *membership, rep *report, what string, there []scim.Document,
	change func(context.Context, *membership, []scim.Document) error,
) error {
	if len(there) == 0 {
		return nil
	}
	in, err := m.among(ctx, ids(there))
	if err != nil {
		return err
	}
	var todo []scim.Document
	for _, u := range there {
		if in[u.ID()] == (what == added) {
			if err := rep.row(u, u.ID(), unchanged, nil); err != nil {
				return err
			}
			continue
		}
		in[u.ID()] = what == added // a user named twice
		todo = append(todo, u)
	}
	if len(todo) == 0 {
		return nil
	}
	if err := change(ctx, m, todo); err != nil {
		if directory.Fatal(err) {
			return err
		}
		for _, u := range todo {
			if rerr := rep.row(u, u.ID(), failed, err); rerr != nil {
				return rerr
			}
		}
		return nil
	}
	for _, u := range todo {
		if err := rep.row(u, u.ID(), what, nil); err != nil {
			return err
		}
	}
	return nil
}

// runSet makes the users the only members.
func runSet(ctx context.Context, o *changeOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	keys, err := cmdutil.Collect(cmdutil.Keys(ctx, o.Users, o.Deps.IO.In))
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return &cmdutil.RefusedError{
			Reason: "no user is named, which would empty the group",
			Help:   "to empty a group: idctl groups members list GROUP -o name | idctl groups members remove GROUP - --yes",
		}
	}
	m, err := open(ctx, o.Deps, o.Group)
	if err != nil {
		return fmt.Errorf("members of %w", err)
	}
	b := userBase(o.Deps)
	list, err := b.FindEach(ctx, m.users, keys, scim.ListOptions{Attributes: []string{"userName"}})
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	want := map[string]scim.Document{}
	for _, u := range list {
		want[u.ID()] = u
	}
	var keep, gone []scim.Document
	for member, err := range m.all(ctx) {
		if err != nil {
			return fmt.Errorf("members of group %q: %w", m.name(), err)
		}
		user := scim.Document{"id": member.String("value"), "userName": member.String("name")}
		if _, ok := want[user.ID()]; ok {
			delete(want, user.ID())
			keep = append(keep, user)
		} else {
			gone = append(gone, user)
		}
	}
	if len(gone) > 0 {
		act := fmt.Sprintf("remove %d members from group %s", len(gone), m.name())
		if len(gone) == 1 {
			act = "remove 1 member from group " + m.name()
		}
		if err := o.Deps.Confirm(ctx, act, len(gone)); err != nil {
			return err
		}
	}
	return o.apply(ctx, m, list, want, keep, gone)
}

func (o *changeOptions) apply(ctx context.Context, m *membership, list []scim.Document, want map[string]scim.Document, keep, gone []scim.Document) error {
	var fresh []scim.Document
	for _, u := range list { // in the order in which they were named
		if _, ok := want[u.ID()]; ok {
			delete(want, u.ID())
			fresh = append(fresh, u)
		}
	}
	rep, err := o.report()
	if err != nil {
		return err
	}
	for _, u := range keep {
		if err := rep.row(u, u.ID(), unchanged, nil); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		what string
		list []scim.Document
		do   func(context.Context, []string) error
	}{{added, fresh, m.add}, {removed, gone, m.remove}} {
		for chunk := range slices.Chunk(part.list, provider.FindBatch) {
			if err := part.do(ctx, ids(chunk)); err != nil {
				return rep.end(m.name(), err)
			}
			for _, u := range chunk {
				if err := rep.row(u, u.ID(), part.what, nil); err != nil {
					return err
				}
			}
		}
	}
	return rep.end(m.name(), nil)
}
