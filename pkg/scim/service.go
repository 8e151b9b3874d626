package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// Service reads and writes the resources of one type. It is safe for
// concurrent use. A method whose operation the type does not have answers a
// *VerbError and sends nothing.
type Service[T any] struct {
	client *Client
	typ    Type[T]
}

// NewService joins a client with a type.
func NewService[T any](c *Client, t Type[T]) *Service[T] { return &Service[T]{client: c, typ: t} }

// Type is what the service was made for.
func (s *Service[T]) Type() Type[T] { return s.typ }

// Get reads one resource by its id. Of opts only Attributes and AttributeSets
// count. ErrNotFound when there is none.
func (s *Service[T]) Get(ctx context.Context, id string, opts ListOptions) (T, error) {
	req, err := s.request(Get, http.MethodGet, id)
	if err != nil {
		var zero T
		return zero, err
	}
	req.Query = url.Values{}
	projection(req.Query, opts.Attributes, opts.AttributeSets)
	return s.one(ctx, req)
}

// Find answers the one resource whose key attribute has the value key:
// ErrNotFound when there is none, ErrAmbiguous when there are several.
func (s *Service[T]) Find(ctx context.Context, key string) (T, error) {
	var zero T
	if s.typ.Key == "" || strings.EqualFold(s.typ.Key, "id") {
		return s.Get(ctx, key, ListOptions{})
	}
	attr, err := filter.ParseAttr(s.typ.Key)
	if err != nil {
		return zero, fmt.Errorf("key of type %s: %w", s.typ.Name, err)
	}
	page, err := s.List(ctx, ListOptions{Filter: filter.Eq(attr, key), Count: 2})
	if err != nil {
		return zero, err
	}
	switch {
	case len(page.Resources) == 1 && page.Total <= 1:
		return page.Resources[0], nil
	case len(page.Resources) > 1 || page.Total > 1:
		return zero, fmt.Errorf("%s %s %q: %w", s.typ.Name, s.typ.Key, key, ErrAmbiguous)
	}
	return zero, fmt.Errorf("%s %s %q: %w", s.typ.Name, s.typ.Key, key, ErrNotFound)
}

// Create makes a resource and answers it as the server stored it. ErrConflict
// when a unique value is taken. Where the server answers without a body, as
// for a 202, the result is the zero T.
func (s *Service[T]) Create(ctx context.Context, v T, opts WriteOptions) (T, error) {
	return s.write(ctx, Create, http.MethodPost, "", v, opts)
}

// Replace puts a resource in place of the one with this id; attributes that v
// lacks are emptied. See WriteOptions for IfMatch.
func (s *Service[T]) Replace(ctx context.Context, id string, v T, opts WriteOptions) (T, error) {
	return s.write(ctx, Replace, http.MethodPut, id, v, opts)
}

// Patch changes single attributes and answers the resource afterwards, or the
// zero T where the server answers 204. Without operations it sends nothing and
// answers an error that is ErrInvalid.
func (s *Service[T]) Patch(ctx context.Context, id string, ops []PatchOp, opts WriteOptions) (T, error) {
	req, err := s.patchRequest(id, ops, opts)
	if err != nil {
		var zero T
		return zero, err
	}
	return s.one(ctx, req)
}

func (s *Service[T]) patchRequest(id string, ops []PatchOp, opts WriteOptions) (*Request, error) {
	if len(ops) == 0 {
		return nil, fmt.Errorf("patch %s %s: %w: no operations", s.typ.Name, id, ErrInvalid)
	}
	body, err := PatchBody(ops)
	if err != nil {
		return nil, fmt.Errorf("patch %s %s: %w", s.typ.Name, id, err)
	}
	req, err := s.request(Patch, http.MethodPatch, id)
	if err != nil {
		return nil, err
	}
	req.Body = body
	req.Idempotent = opts.IfMatch == "" && repeatable(ops)
	s.options(req, opts)
	return req, nil
}

// Delete removes a resource. ErrNotFound when there is none; nil when it is gone
// after an attempt of this call whose answer was lost.
func (s *Service[T]) Delete(ctx context.Context, id string, opts WriteOptions) error {
	req, err := s.request(Delete, http.MethodDelete, id)
	if err != nil {
		return err
	}
	opts.Attributes, opts.AttributeSets = nil, nil
	s.options(req, opts)
	if opts.Force {
		req.Query.Set("forceDelete", "true")
	}
	if opts.Self {
		req.Query.Set("allowSelfChange", "true")
	}
	_, err = s.client.send(ctx, req)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound && e.Attempts > 1 {
		// The answer to an earlier attempt was lost: what is to be gone is gone.
		return nil
	}
	return err
}

func (s *Service[T]) write(ctx context.Context, op Ops, method, id string, v T, opts WriteOptions) (T, error) {
	var zero T
	req, err := s.request(op, method, id)
	if err != nil {
		return zero, err
	}
	if req.Body, err = s.body(v); err != nil {
		return zero, fmt.Errorf("encode %s: %w", s.typ.Name, err)
	}
	s.options(req, opts)
	return s.one(ctx, req)
}

// request starts a call: the verb is checked, the path made.
func (s *Service[T]) request(op Ops, method, id string) (*Request, error) {
	if s.typ.Ops&op == 0 {
		return nil, &VerbError{Type: s.typ.Name, Verb: op, Has: s.typ.Ops}
	}
	path := s.client.opts.BasePath + s.typ.Path
	if op&(Get|Replace|Patch|Delete) != 0 && !s.typ.Bare {
		var err error
		if path, err = ResourcePath(path, id); err != nil {
			return nil, fmt.Errorf("%s %s: %w", OpNames(op), s.typ.Name, err)
		}
	}
	return &Request{Method: method, Path: path}, nil
}

func (s *Service[T]) options(req *Request, opts WriteOptions) {
	req.Query = url.Values{}
	projection(req.Query, opts.Attributes, opts.AttributeSets)
	req.RetryToken = opts.RetryToken
	req.Once = opts.Once
	if opts.IfMatch != "" {
		req.Header = http.Header{"If-Match": {opts.IfMatch}}
	}
}

// one sends a request that answers a resource.
func (s *Service[T]) one(ctx context.Context, req *Request) (T, error) {
	var v, zero T
	resp, err := s.client.send(ctx, req)
	if err != nil {
		return zero, err
	}
	if len(bytes.TrimSpace(resp.Body)) == 0 {
		if req.Method == http.MethodGet {
			return zero, badResponse(req, resp, errEmpty)
		}
		return zero, nil
	}
	if err := decode(req, resp, &v); err != nil {
		return zero, err
	}
	return v, nil
}

// body encodes a resource and names its schemas if it does not do so itself:
// the type's, and the extensions that it has members of.
func (s *Service[T]) body(v T) ([]byte, error) {
	if d, ok := any(v).(Document); ok && d != nil && findKey(d, "schemas") != "" {
		return json.Marshal(d)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%w: no resource given", ErrInvalid)
	}
	if len(s.typ.Schemas) == 0 || len(member(m, "schemas")) > 0 {
		return data, nil
	}
	m["schemas"], err = json.Marshal(schemasOf(s.typ.Schemas, m))
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func schemasOf(types []string, m map[string]json.RawMessage) []string {
	list := []string{types[0]}
	for _, urn := range types[1:] {
		if member(m, urn) != nil {
			list = append(list, urn)
			continue
		}
		for name := range m {
			if len(name) > len(urn) && name[len(urn)] == ':' && strings.EqualFold(name[:len(urn)], urn) {
				list = append(list, urn)
				break
			}
		}
	}
	return list
}
