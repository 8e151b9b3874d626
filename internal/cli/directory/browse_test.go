package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// unsteady is users of a service that is busy now and then.
type unsteady struct {
	provider.Resources
	pages int
	// fail answers for the call with this number, from 1.
	fail map[int]error
	// total overrides what pages say, where it is not 0.
	total int
}

func (u *unsteady) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	u.pages++
	if err := u.fail[u.pages]; err != nil {
		return nil, err
	}
	page, err := u.Resources.Page(ctx, opts)
	if err == nil && u.total != 0 {
		page.Total = u.total
	}
	return page, err
}

func browsing(u *unsteady) func(*cmdutil.Deps) *cobra.Command {
	return func(d *cmdutil.Deps) *cobra.Command {
		k := directory.Users()
		k.Open = func(p provider.Provider, _ string) (provider.Resources, error) {
			u.Resources = p.Users()
			return u, nil
		}
		cmd := &cobra.Command{Use: "users"}
		cmd.AddCommand(directory.NewBrowse(d, k, directory.RunBrowse))
		return cmd
	}
}

func typed(words ...string) []prompt.Answer {
	out := make([]prompt.Answer, len(words))
	for i, w := range words {
		out[i] = prompt.Answer{Reply: w}
	}
	return out
}

// numbers are the first cells of all rows that were printed.
func numbers(out string) []string {
	var rows []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != "#" && f[0][0] >= '0' && f[0][0] <= '9' {
			rows = append(rows, f[0])
		}
	}
	return rows
}

func sevenUsers(t *testing.T) *dirtest.Env {
	t.Helper()
	e := dirtest.New(t)
	for i := 1; i <= 7; i++ {
		e.Seed(t, dirtest.User(fmt.Sprintf("user%d@example.com", i), fmt.Sprintf("Given%d", i), "Family"))
	}
	e.Terminal = true
	return e
}

// TestBrowse goes through pages, searches, clears the search (behaviour 11) and
// opens details (behaviour 12).
func TestBrowse(t *testing.T) {
	e := sevenUsers(t)
	tests := []struct {
		name   string
		answer []string
		rows   string   // numbers of all rows printed
		last   string   // the last question
		says   string   // on stderr
		shows  []string // on stdout
	}{
		{name: "Quit", answer: []string{"q"}, rows: "1 2 3", last: "1-3 of 7 users"},
		{name: "NextByEnter", answer: []string{"", "NEXT", "q"}, rows: "1 2 3 4 5 6 7", last: "7-7 of 7 users"},
		{name: "NoNext", answer: []string{"l", "n", "q"}, rows: "1 2 3 7", last: "7-7 of 7 users", says: "this is the last page"},
		{name: "NoPrevious", answer: []string{"p", "exit"}, rows: "1 2 3", last: "1-3 of 7 users", says: "this is the first page"},
		{name: "Previous", answer: []string{"last", "prev", "q"}, rows: "1 2 3 7 4 5 6", last: "4-6 of 7 users"},
		{name: "First", answer: []string{"n", "f", "q"}, rows: "1 2 3 4 5 6 1 2 3", last: "1-3 of 7 users"},
		{
			name: "Details", answer: []string{"n", "5", "d 4", "q"}, rows: "1 2 3 4 5 6", last: "4-6 of 7 users",
			shows: []string{"Login            user5@example.com", "Login            user4@example.com"},
		},
		{name: "DetailsAsked", answer: []string{"details", "2", "q"}, rows: "1 2 3", last: "1-3 of 7 users", shows: []string{"Given2 Family"}},
		{name: "DetailsElsewhere", answer: []string{"7", "q"}, rows: "1 2 3", last: "1-3 of 7 users", says: "there is no row 7 on this page"},
		{name: "Search", answer: []string{"s user6", "q"}, rows: "1 2 3 1", last: `1-1 of 1 users that begin with "user6"`},
		{name: "SearchAsInPagers", answer: []string{"/Given3", "3", "q"}, rows: "1 2 3 1", says: "there is no row 3", last: `1-1 of 1 users that begin with "Given3"`},
		{name: "SearchAsked", answer: []string{"search", "user7", "q"}, rows: "1 2 3 1", last: `1-1 of 1 users that begin with "user7"`},
		{name: "SearchShort", answer: []string{"s u", "q"}, rows: "1 2 3", says: "2 characters or more", last: "1-3 of 7 users"},
		{name: "SearchNothing", answer: []string{"s zz", "n", "q"}, rows: "1 2 3", says: "this is the last page", last: `no users that begin with "zz"`},
		{name: "Reset", answer: []string{"s user6", "r", "q"}, rows: "1 2 3 1 1 2 3", last: "1-3 of 7 users"},
		{name: "Help", answer: []string{"?", "q"}, rows: "1 2 3", says: "previous page", last: "1-3 of 7 users"},
		{name: "Nonsense", answer: []string{"x y", "q"}, rows: "1 2 3", says: `there is no "x" here, ? lists what there is`, last: "1-3 of 7 users"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e.Answers = typed(tt.answer...)
			r := e.Run(t, browsing(&unsteady{}), "", "browse", "--page-size", "3", "--sort", "userName")
			if r.Failure != nil {
				t.Fatalf("%v\n%s", r.Failure, r.Err)
			}
			if diff := cmp.Diff(tt.rows, strings.Join(numbers(r.Out), " ")); diff != "" {
				t.Errorf("rows (-want +got):\n%s\n%s", diff, r.Out)
			}
			if last := r.Asked[len(r.Asked)-1]; !strings.HasPrefix(last, tt.last+" [") {
				t.Errorf("last question %q, want %q", last, tt.last)
			}
			if !strings.Contains(r.Err, tt.says) || tt.says == "" && r.Err != "" {
				t.Errorf("said %q, want %q", r.Err, tt.says)
			}
			for _, s := range tt.shows {
				if !strings.Contains(r.Out, s) {
					t.Errorf("not shown: %q\n%s", s, r.Out)
				}
			}
		})
	}
}

// TestBrowseOffers: the question names the moves that lead somewhere
// (behaviour 6).
func TestBrowseOffers(t *testing.T) {
	e := sevenUsers(t)
	e.Answers = typed("n", "l", "f", "s user6", "r", "q")
	r := e.Run(t, browsing(&unsteady{}), "", "browse", "--page-size", "3", "--sort", "userName")
	want := []string{
		"1-3 of 7 users [n l s r d q ?]", "4-6 of 7 users [n p f l s r d q ?]", "7-7 of 7 users [p f s r d q ?]",
		"1-3 of 7 users [n l s r d q ?]", `1-1 of 1 users that begin with "user6" [s r d q ?]`, "1-3 of 7 users [n l s r d q ?]",
	}
	if diff := cmp.Diff(want, r.Asked); r.Failure != nil || diff != "" {
		t.Errorf("%v, asked (-want +got):\n%s", r.Failure, diff)
	}
}

func TestBrowseFilter(t *testing.T) {
	e := sevenUsers(t)
	e.Answers = typed("s Given", "r", "q")
	r := e.Run(t, browsing(&unsteady{}), "", "browse", "--filter", `userName ew "5@example.com" or userName ew "6@example.com"`, "--sort", "userName:desc")
	if r.Failure != nil || strings.Join(numbers(r.Out), " ") != "1 2 1 2 1 2" || r.Asked[2] != "1-2 of 2 users [s r d q ?]" {
		t.Errorf("%v, asked %q\n%s", r.Failure, r.Asked, r.Out)
	}
}

func TestBrowseOfUnsteadyService(t *testing.T) {
	busy := &scim.Error{Op: "GET", Path: "/admin/v1/Users", Status: 503, Detail: "come back later"}
	denied := &scim.Error{Op: "GET", Path: "/admin/v1/Users", Status: 401}
	t.Run("BusyOnce", func(t *testing.T) {
		e := sevenUsers(t)
		e.Answers = typed("n", "n", "q")
		r := e.Run(t, browsing(&unsteady{fail: map[int]error{2: busy}}), "", "browse", "--page-size", "3")
		if r.Failure != nil || !strings.Contains(r.Err, "come back later") || strings.Join(numbers(r.Out), " ") != "1 2 3 4 5 6" {
			t.Errorf("%v, said %q\n%s", r.Failure, r.Err, r.Out)
		}
	})
	t.Run("BusySearch", func(t *testing.T) { // all stays as it was
		e := sevenUsers(t)
		e.Answers = typed("s user", "n", "q")
		r := e.Run(t, browsing(&unsteady{fail: map[int]error{2: busy}}), "", "browse", "--page-size", "3")
		if r.Failure != nil || r.Asked[len(r.Asked)-1] != "4-6 of 7 users [n p f l s r d q ?]" {
			t.Errorf("%v, asked %q", r.Failure, r.Asked)
		}
	})
	t.Run("FirstPage", func(t *testing.T) {
		e := sevenUsers(t)
		r := e.Run(t, browsing(&unsteady{fail: map[int]error{1: busy}}), "", "browse")
		if !errors.Is(r.Failure, scim.ErrUnavailable) || len(r.Asked) > 0 {
			t.Errorf("%v, asked %q", r.Failure, r.Asked)
		}
	})
	t.Run("LoggedOut", func(t *testing.T) {
		e := sevenUsers(t)
		e.Answers = typed("n")
		r := e.Run(t, browsing(&unsteady{fail: map[int]error{2: denied}}), "", "browse", "--page-size", "3")
		if !errors.Is(r.Failure, scim.ErrUnauthorized) {
			t.Errorf("error = %v", r.Failure)
		}
	})
	t.Run("NoTotal", func(t *testing.T) {
		e := sevenUsers(t)
		e.Answers = typed("l", "n", "n", "n", "q")
		r := e.Run(t, browsing(&unsteady{total: -1}), "", "browse", "--page-size", "3")
		if r.Failure != nil || strings.Join(numbers(r.Out), " ") != "1 2 3 4 5 6 7" || !strings.Contains(r.Err, "the last page is not known") ||
			!strings.Contains(r.Err, "this is the last page") || r.Asked[0] != "users 1-3 [n s r d q ?]" {
			t.Errorf("%v, asked %q, said %q\n%s", r.Failure, r.Asked, r.Err, r.Out)
		}
	})
	t.Run("InputEnds", func(t *testing.T) {
		e := sevenUsers(t)
		e.Answers = []prompt.Answer{{Reply: "s"}, {Err: prompt.ErrNoAnswer}}
		if r := e.Run(t, browsing(&unsteady{}), "", "browse"); r.Failure != nil {
			t.Errorf("Ctrl-D: %v", r.Failure)
		}
	})
	t.Run("CtrlC", func(t *testing.T) {
		e := sevenUsers(t)
		e.Answers = []prompt.Answer{{Err: prompt.ErrInterrupted}}
		if r := e.Run(t, browsing(&unsteady{}), "", "browse"); !errors.Is(r.Failure, prompt.ErrInterrupted) {
			t.Errorf("Ctrl-C: %v", r.Failure)
		}
	})
}

func TestBrowseRefusals(t *testing.T) {
	for name, args := range map[string][]string{
		"json":     {"-o", "json"},
		"fields":   {"--fields", "name"},
		"terminal": nil,
	} {
		t.Run(name, func(t *testing.T) {
			e := dirtest.New(t)
			e.Terminal = name != "terminal"
			r := e.Run(t, browsing(&unsteady{}), "", append([]string{"browse"}, args...)...)
			if r.Code != cmdutil.ExitUsage || !strings.Contains(strings.Join(cmdutil.Hints(r.Failure), " "), "idctl users list") || r.Out != "" {
				t.Errorf("code %d, %v, hints %q", r.Code, r.Failure, cmdutil.Hints(r.Failure))
			}
		})
	}
	e := dirtest.New(t)
	e.Terminal = true
	for _, args := range [][]string{{"--page-size", "0"}, {"--sort", "nothing"}, {"--filter", "userName eq"}} {
		if r := e.Run(t, browsing(&unsteady{}), "", append([]string{"browse"}, args...)...); r.Code != cmdutil.ExitUsage {
			t.Errorf("browse %q: code %d, %v", args, r.Code, r.Failure)
		}
	}
}
