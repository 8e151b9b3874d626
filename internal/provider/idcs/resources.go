package idcs

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
)

// resources is one type of the domain.
type resources struct {
	info    idcs.TypeInfo
	service *scim.Service[scim.Document]
}

func (p *Provider) resources(info idcs.TypeInfo) *resources {
	key := ""
	if len(info.Keys) > 0 {
		key = info.Keys[0]
	}
	return &resources{info, p.client.SCIM().Documents(scim.Type[scim.Document]{
		Name: info.Name, Path: info.Endpoint, Schemas: info.Schemas(), Key: key, Ops: info.Ops, Bare: info.Bare,
	})}
}

func (r *resources) Type() string   { return r.info.Name }
func (r *resources) Path() string   { return r.info.Endpoint }
func (r *resources) Keys() []string { return append([]string(nil), r.info.Keys...) }

// id puts the fixed id of a singleton in place of an empty one.
func (r *resources) id(id string) string {
	if id == "" {
		return r.info.SingletonID
	}
	return id
}

func (r *resources) Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error) {
	doc, err := r.service.Get(ctx, r.id(id), opts)
	return doc, r.refuse(err)
}

func (r *resources) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	page, err := r.service.List(ctx, opts)
	return page, r.refuse(err)
}

func (r *resources) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for doc, err := range r.service.All(ctx, opts) {
			if !yield(doc, r.refuse(err)) {
				return
			}
		}
	}
}

// AllRaw is All without decoding. It makes resources a provider.RawReader.
func (r *resources) AllRaw(ctx context.Context, opts scim.ListOptions, paths ...[]string) iter.Seq2[*scim.RawPage, error] {
	return func(yield func(*scim.RawPage, error) bool) {
		for page, err := range r.service.AllRaw(ctx, opts, paths...) {
			if !yield(page, r.refuse(err)) {
				return
			}
		}
	}
}

func (r *resources) Create(ctx context.Context, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	out, err := r.service.Create(ctx, doc, opts)
	return out, r.refuse(err)
}

// CreateReceipt implements provider.ReceiptWriter.
func (r *resources) CreateReceipt(ctx context.Context, body []byte, opts scim.WriteOptions) (scim.Receipt, error) {
	out, err := r.service.CreateReceipt(ctx, body, opts)
	return out, r.refuse(err)
}

// PatchReceipt implements provider.ReceiptWriter.
func (r *resources) PatchReceipt(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Receipt, error) {
	out, err := r.service.PatchReceipt(ctx, r.id(id), ops, opts)
	return out, r.refuse(err)
}

func (r *resources) Replace(ctx context.Context, id string, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	out, err := r.service.Replace(ctx, r.id(id), doc, opts)
	return out, r.refuse(err)
}

func (r *resources) Patch(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	out, err := r.service.Patch(ctx, r.id(id), ops, opts)
	return out, r.refuse(err)
}

func (r *resources) Delete(ctx context.Context, id string, opts scim.WriteOptions) error {
	return r.refuse(r.service.Delete(ctx, id, opts))
}

// refuse makes an operation that the type does not have an error of the
// provider, with the way that exists.
func (r *resources) refuse(err error) error {
	var verb *scim.VerbError
	if !errors.As(err, &verb) {
		return err
	}
	instead := r.info.Name + " offers: " + scim.OpNames(r.info.Ops)
	switch {
	case verb.Verb == scim.Replace && r.info.Ops&scim.Patch != 0:
		instead = "change single attributes instead (patch)"
	case verb.Verb == scim.Patch && r.info.Ops&scim.Replace != 0:
		instead = "replace the whole resource instead"
	case verb.Verb == scim.Get && r.info.Ops&scim.List != 0:
		instead = "list it with a filter on id instead"
	}
	return fmt.Errorf("%w (%w)", &provider.UnsupportedError{
		Provider: Name, What: scim.OpNames(verb.Verb) + " a resource of type " + r.info.Name, Instead: instead,
	}, verb)
}
