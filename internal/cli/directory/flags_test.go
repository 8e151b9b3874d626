package directory_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

// parsed runs a command line through the constructor of a verb and answers the
// options that its run function gets.
func parsed[T any](t *testing.T, k directory.Kind,
	verb func(*cmdutil.Deps, directory.Kind, func(context.Context, *T) error) *cobra.Command, args ...string,
) (T, error) {
	t.Helper()
	streams, _, _, _ := iostreams.Test()
	d := &cmdutil.Deps{IO: streams, Flags: &cmdutil.Flags{}, Output: &output.Options{}}
	var got T
	ran := false
	cmd := verb(d, k, func(_ context.Context, o *T) error {
		got, ran = *o, true
		return nil
	})
	cmd.SetArgs(args)
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.ErrOut)
	err := cmd.ExecuteContext(t.Context())
	if ran == (err != nil) {
		t.Errorf("%q: run %v, error %v", args, ran, err)
	}
	return got, err
}

// same compares options by what the command line says.
var same = cmp.Options{
	cmpopts.IgnoreTypes(output.Printer[directory.Outcome]{}),
	cmpopts.IgnoreFields(directory.Base{}, "Deps", "Kind"),
	cmpopts.IgnoreFields(directory.ListOptions{}, "Print"),
	cmpopts.IgnoreFields(directory.GetOptions{}, "Print"),
	cmpopts.IgnoreFields(directory.UpdateOptions{}, "Print"),
	cmpopts.IgnoreFields(directory.ReplaceOptions{}, "Print"),
	cmpopts.IgnoreFields(directory.CreateOptions{}, "Print", "Complete", "After"),
}

func check(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestFlags(t *testing.T) {
	users, anyType := directory.Users(), directory.Any()
	list, _ := parsed(t, users, directory.NewList)
	check(t, directory.ListOptions{PageSize: 20}, list)
	list, _ = parsed(t, anyType, directory.NewList, "App", "--filter", "a pr", "--sort", "b:desc", "--page", "last",
		"--page-size", "5", "--limit", "7", "--attributes", "x,y", "--all-attributes")
	check(t, directory.ListOptions{
		Base: directory.Base{Type: "App"}, Filter: "a pr", Sort: "b:desc", Page: "last", PageSize: 5, Limit: 7,
		Projection: directory.Projection{Attributes: []string{"x,y"}, AllAttributes: true},
	}, list)

	search, _ := parsed(t, anyType, directory.NewSearch, "App", "text", "--in", "a", "--in", "b", "--only")
	check(t, directory.SearchOptions{
		ListOptions: directory.ListOptions{Base: directory.Base{Type: "App"}, PageSize: 20}, Text: "text", In: []string{"a", "b"}, Only: true,
	}, search)

	get, _ := parsed(t, users, directory.NewGet, "a", "b")
	check(t, directory.GetOptions{Keys: []string{"a", "b"}}, get)
	get, _ = parsed(t, anyType, directory.NewGet, "Setting")
	check(t, directory.GetOptions{Base: directory.Base{Type: "Setting"}, Keys: []string{""}}, get)

	create, _ := parsed(t, anyType, directory.NewCreate, "App", "--from", "f", "--set", "a=b,c", "--add", "d=e")
	check(t, directory.CreateOptions{
		Base: directory.Base{Type: "App"}, From: "f", Edits: directory.Edits{Set: []string{"a=b,c"}, Add: []string{"d=e"}},
	}, create)

	update, _ := parsed(t, users, directory.NewUpdate, "a", "--set", "x=1", "--unset", "y", "--if-match", "v", "--dry-run")
	check(t, directory.UpdateOptions{
		Keys: []string{"a"}, Edits: directory.Edits{Set: []string{"x=1"}, Unset: []string{"y"}}, IfMatch: "v", DryRun: true,
	}, update)

	replace, _ := parsed(t, users, directory.NewReplace, "a", "--from", "-", "--if-match", "*")
	check(t, directory.ReplaceOptions{Key: "a", From: "-", IfMatch: "*"}, replace)

	del, _ := parsed(t, users, directory.NewDelete, "a", "-", "--force", "--ignore-missing")
	check(t, directory.DeleteOptions{Keys: []string{"a", "-"}, Force: true, IgnoreMissing: true}, del)

	for _, args := range [][]string{{}, {"a", "b"}} {
		if _, err := parsed(t, users, directory.NewReplace, args...); cmdutil.ExitCode(err) != cmdutil.ExitUsage {
			t.Errorf("replace %q: %v, want a usage error", args, err)
		}
	}
}
