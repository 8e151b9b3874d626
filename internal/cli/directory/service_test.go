package directory_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// peculiar is users of a service with peculiarities.
type peculiar struct {
	provider.Resources
	refusesSort bool
	// meddle is called before a PATCH is passed on, once for each entry.
	meddle []func(context.Context, provider.Resources, string)
}

func (p *peculiar) refuse(opts scim.ListOptions) error {
	if p.refusesSort && opts.SortBy != "" {
		return &scim.Error{Op: "GET", Path: "/admin/v1/Users", Status: 400, Detail: "sortBy is not searchable"}
	}
	return nil
}

func (p *peculiar) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	if err := p.refuse(opts); err != nil {
		return nil, err
	}
	return p.Resources.Page(ctx, opts)
}

func (p *peculiar) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		if err := p.refuse(opts); err != nil {
			yield(nil, err)
			return
		}
		for doc, err := range p.Resources.All(ctx, opts) {
			if !yield(doc, err) {
				return
			}
		}
	}
}

func (p *peculiar) Patch(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	if len(p.meddle) > 0 {
		p.meddle[0](ctx, p.Resources, id)
		p.meddle = p.meddle[1:]
	}
	return p.Resources.Patch(ctx, id, ops, opts)
}

// noun is users, and verbs as a noun of its own, on a peculiar service.
func noun(p *peculiar) func(*cmdutil.Deps) *cobra.Command {
	return func(d *cmdutil.Deps) *cobra.Command {
		k := directory.Users()
		k.Open = func(service provider.Provider, _ string) (provider.Resources, error) {
			p.Resources = service.Users()
			return p, nil
		}
		cmd := &cobra.Command{Use: "users"}
		cmd.AddCommand(directory.NewList(d, k, directory.RunList), directory.NewUpdate(d, k, directory.RunUpdate))
		return cmd
	}
}

func TestOrderedHere(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("b@example.com", "B", "B"), dirtest.User("C@example.com", "C", "C"), dirtest.User("a@example.com", "A", "A"))
	users := noun(&peculiar{refusesSort: true})
	const note = "the service does not order users by emails.value, they were ordered here\n"
	for _, tc := range []struct{ args, out, err string }{
		{"list -o name", "a@example.com\nb@example.com\nC@example.com\n", note},
		{"list -o name --sort email:desc", "C@example.com\nb@example.com\na@example.com\n", note},
		{"list -o name --page 2 --page-size 2", "C@example.com\n", note + "3-3 of 3 users, page 2 of 2\n"},
		{"list -o name --limit 1", "a@example.com\n", note + "1 of 3 users\n"},
	} {
		r := e.Run(t, users, "", strings.Fields(tc.args)...)
		if r.Failure != nil || r.Out != tc.out || r.Err != tc.err {
			t.Errorf("%s: %v\n%s%s", tc.args, r.Failure, r.Out, r.Err)
		}
	}
	// A refusal that the order is not to blame for stays what it is.
	r := e.Run(t, users, "", "list", "--filter", "description eq \"x\"")
	if r.Failure == nil || r.Out != "" || strings.Contains(r.Err, "ordered here") {
		t.Errorf("%v, stdout %q, stderr %q", r.Failure, r.Out, r.Err)
	}
}

func TestChangedMeanwhile(t *testing.T) {
	change := func(n int) func(context.Context, provider.Resources, string) {
		return func(ctx context.Context, r provider.Resources, id string) {
			ops := []scim.PatchOp{{Op: "replace", Path: "nickName", Value: fmt.Sprint("nick", n)}}
			if _, err := r.Patch(ctx, id, ops, scim.WriteOptions{}); err != nil {
				t.Errorf("meddle: %v", err)
			}
		}
	}
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("a@example.com", "A", "A"))
	once := &peculiar{meddle: []func(context.Context, provider.Resources, string){change(1)}}
	r := e.Run(t, noun(once), "", "update", "a@example.com", "--set", "title=Chef", "-o", "csv", "--fields", "title,nickName", "--no-headers")
	if r.Failure != nil || r.Out != "Chef,nick1\n" {
		t.Errorf("changed once: %v, %q; want both changes", r.Failure, r.Out)
	}
	twice := &peculiar{meddle: []func(context.Context, provider.Resources, string){change(2), change(3)}}
	r = e.Run(t, noun(twice), "", "update", "a@example.com", "--set", "title=Cook")
	if r.Code != 6 {
		t.Errorf("changed twice: exit code %d, want 6: %v", r.Code, r.Failure)
	}
}

// standard is a provider without the identity domains' own resource for
// attributes.
type standard struct{ provider.Provider }

func (p standard) Resource(name string) (provider.Resources, error) {
	if name == "ResourceTypeSchemaAttribute" {
		return nil, provider.NewUnknownResource(p.Name(), name, nil)
	}
	return p.Provider.Resource(name)
}

// TestSchemaEitherWay: the two ways in which a service describes itself give
// the same attributes.
func TestSchemaEitherWay(t *testing.T) {
	e := dirtest.New(t)
	d, _, _ := e.Deps("")
	read := func() map[string]directory.Attribute {
		s, err := (&directory.Base{Deps: d}).ReadSchema(t.Context(), "Group")
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]directory.Attribute{}
		for _, a := range s.Attributes {
			out[a.Path] = a
		}
		return out
	}
	own := read()
	d.Provider = func(context.Context) (provider.Provider, error) { return standard{e.Provider}, nil }
	if diff := cmp.Diff(own, read()); diff != "" || len(own) < 50 {
		t.Errorf("%d attributes; by /Schemas (-own +standard):\n%s", len(own), diff)
	}
}
