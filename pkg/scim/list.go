package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

var (
	errEmpty    = errors.New("empty body")
	errNotList  = errors.New("not a list response")
	errTrailing = errors.New("data after the list")
	errNull     = errors.New("null in place of a resource")
)

// List reads one page. The client picks POST .search by itself when the filter
// holds a plus sign, which some servers read as a blank in a URL, or the query
// is long, and the type has that operation.
func (s *Service[T]) List(ctx context.Context, opts ListOptions) (*Page[T], error) {
	return s.page(ctx, opts, nil)
}

// Search reads one page by POST .search.
func (s *Service[T]) Search(ctx context.Context, opts ListOptions) (*Page[T], error) {
	if s.typ.Ops&Search == 0 {
		return nil, &VerbError{Type: s.typ.Name, Verb: Search, Has: s.typ.Ops}
	}
	opts.Post = true
	return s.page(ctx, opts, nil)
}

func (s *Service[T]) page(ctx context.Context, opts ListOptions, cur *cursor) (*Page[T], error) {
	page := &Page[T]{Resources: []T{}}
	head, err := s.fetch(ctx, opts, cur, func(r row[T]) bool {
		page.Resources = append(page.Resources, r.value)
		return true
	})
	if err != nil {
		return nil, err
	}
	page.Total, page.StartIndex, page.ItemsPerPage, page.Next = head.total, head.start, head.perPage, head.next
	return page, nil
}

// cursor asks for a page by token; an empty token is the first page.
type cursor struct {
	token string
	limit int
}

// listHead is all of a list answer but its rows.
type listHead struct {
	total, start, perPage int
	rows                  int
	next                  string
}

// row is one resource of a list. raw is its text, kept for types that cannot
// tell their id; a Document can.
type row[T any] struct {
	value T
	raw   json.RawMessage
}

// fetch reads one page and hands over its rows one by one; emit ends the page
// early by answering false.
func (s *Service[T]) fetch(ctx context.Context, opts ListOptions, cur *cursor, emit func(row[T]) bool) (listHead, error) {
	req, err := s.listRequest(opts, cur)
	if err != nil {
		return listHead{}, err
	}
	resp, err := s.client.send(ctx, req)
	if err != nil {
		return listHead{}, err
	}
	head, err := decodeList(bytes.NewReader(resp.Body), emit)
	if err != nil {
		return listHead{}, badResponse(req, resp, err)
	}
	head.next = resp.Header.Get("Opc-Next-Page")
	return head, nil
}

// searchRequest is the body of POST .search (RFC 7644 section 3.4.3).
// attributeSets is an addition of identity domains, left out when unused.
type searchRequest struct {
	Schemas       []string `json:"schemas"`
	Attributes    []string `json:"attributes,omitempty"`
	AttributeSets []string `json:"attributeSets,omitempty"`
	Filter        string   `json:"filter,omitempty"`
	SortBy        string   `json:"sortBy,omitempty"`
	SortOrder     string   `json:"sortOrder,omitempty"`
	StartIndex    int      `json:"startIndex,omitempty"`
	Count         int      `json:"count,omitempty"`
}

func (s *Service[T]) listRequest(opts ListOptions, cur *cursor) (*Request, error) {
	canList, canSearch := s.typ.Ops&List != 0, s.typ.Ops&Search != 0
	if !canList && !canSearch {
		return nil, &VerbError{Type: s.typ.Name, Verb: List, Has: s.typ.Ops}
	}
	sr := searchRequest{
		Schemas: []string{SearchRequestURN}, Attributes: opts.Attributes, AttributeSets: opts.AttributeSets,
		SortBy: opts.SortBy, StartIndex: max(opts.StartIndex, 0), Count: opts.Count,
	}
	if opts.Filter != nil {
		sr.Filter = opts.Filter.String()
	}
	if opts.SortBy != "" && opts.Descending {
		sr.SortOrder = "descending"
	}
	if sr.Count <= 0 {
		sr.Count = s.client.opts.PageSize
	}
	query := url.Values{} // what a search carries in its URL as well
	if cur != nil {
		sr.StartIndex, sr.Count = 0, 0
		query.Set("limit", strconv.Itoa(cur.limit))
		if cur.token != "" {
			query.Set("page", cur.token)
		}
	}
	path := s.client.opts.BasePath + s.typ.Path
	full := sr.query(query)
	post := canSearch && (opts.Post || !canList ||
		strings.Contains(sr.Filter, "+") || len(full.Encode()) > s.client.opts.MaxURL)
	if !post {
		return &Request{Method: http.MethodGet, Path: path, Query: full}, nil
	}
	body, err := json.Marshal(sr)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", s.typ.Name, err)
	}
	return &Request{Method: http.MethodPost, Path: path + "/.search", Query: query, Body: body, Idempotent: true}, nil
}

func (r searchRequest) query(base url.Values) url.Values {
	q := make(url.Values, len(base)+6)
	for k, v := range base {
		q[k] = v
	}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("filter", r.Filter)
	set("sortBy", r.SortBy)
	set("sortOrder", r.SortOrder)
	if r.StartIndex > 0 {
		set("startIndex", strconv.Itoa(r.StartIndex))
	}
	if r.Count > 0 {
		set("count", strconv.Itoa(r.Count))
	}
	projection(q, r.Attributes, r.AttributeSets)
	return q
}

func projection(q url.Values, attributes, sets []string) {
	if len(attributes) > 0 {
		q.Set("attributes", strings.Join(attributes, ","))
	}
	for _, set := range sets {
		q.Add("attributeSets", set)
	}
}

// decodeList reads a ListResponse token by token, so that no more than one
// resource is held beside the text. Both URNs of list responses count, members
// may come in any order, Resources may be missing or null, numbers may be
// strings. An answer with neither totalResults nor Resources is refused: it is
// something else, and taking it for an empty list would be a lie.
func decodeList[T any](r io.Reader, emit func(row[T]) bool) (listHead, error) {
	head := listHead{total: -1}
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := delim(dec, '{'); err != nil {
		return head, err
	}
	isList, stopped := false, false
	for dec.More() {
		name, err := memberName(dec)
		if err != nil {
			return head, err
		}
		var n *int
		switch strings.ToLower(name) {
		case "totalresults":
			n, isList = &head.total, true
		case "startindex":
			n = &head.start
		case "itemsperpage":
			n = &head.perPage
		case "resources":
			isList = true
			if stopped, err = decodeRows(dec, &head, emit); err != nil {
				return head, err
			}
			if stopped {
				return head, nil
			}
			continue
		default:
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return head, err
			}
			continue
		}
		v := Int(*n)
		if err := dec.Decode(&v); err != nil {
			return head, fmt.Errorf("%s: %w", clean(name, 40), err)
		}
		*n = int(v)
	}
	if err := delim(dec, '}'); err != nil {
		return head, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return head, errTrailing
	}
	if !isList {
		return head, errNotList
	}
	return head, nil
}

func decodeRows[T any](dec *json.Decoder, head *listHead, emit func(row[T]) bool) (stopped bool, err error) {
	tok, err := dec.Token()
	if err != nil {
		return false, err
	}
	if tok == nil { // null
		return false, nil
	}
	if tok != json.Delim('[') {
		return false, errors.New("resources is not an array")
	}
	for dec.More() {
		r, err := decodeRow[T](dec)
		if err != nil {
			return false, fmt.Errorf("resource %d: %w", head.rows+1, err)
		}
		head.rows++
		if !emit(r) {
			return true, nil
		}
	}
	return false, delim(dec, ']')
}

// decodeRow reads one resource. A Document is decoded straight from the
// stream, which saves two passes over its text.
func decodeRow[T any](dec *json.Decoder) (r row[T], err error) {
	if d, ok := any(&r.value).(*Document); ok {
		if err := dec.Decode((*map[string]any)(d)); err != nil {
			return r, err
		}
		if *d == nil {
			return r, errNull
		}
		return r, nil
	}
	if err := dec.Decode(&r.raw); err != nil {
		return r, err
	}
	if string(r.raw) == "null" {
		return r, errNull
	}
	return r, json.Unmarshal(r.raw, &r.value)
}

func delim(dec *json.Decoder, want json.Delim) error {
	tok, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if tok != want {
		return errNotList
	}
	return nil
}

func memberName(dec *json.Decoder) (string, error) {
	tok, err := dec.Token()
	if err != nil {
		return "", err
	}
	name, ok := tok.(string)
	if !ok {
		return "", errNotList
	}
	return name, nil
}

// All yields every resource that matches, page after page. opts.Count is the
// page size, opts.StartIndex where to begin. See walker for what it promises
// while the collection changes. The last pair holds the error that ended the
// list, if any: ErrTruncatedList when rows are missing, ctx.Err when ctx ended.
func (s *Service[T]) All(ctx context.Context, opts ListOptions) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		w := newWalker(opts, s.client.opts)
		defer w.close()
		for !w.done {
			var stop bool
			w.begin()
			head, err := s.fetch(ctx, w.opts, nil, func(r row[T]) bool {
				if w.take(rowKey(r.value, r.raw)) {
					stop = !yield(r.value, nil)
				}
				return !stop
			})
			if stop {
				return
			}
			if err == nil {
				err = w.end(head)
			}
			if err != nil {
				var zero T
				yield(zero, s.listError(err))
				return
			}
		}
	}
}

// AllByCursor is All by way of opc-next-page, for servers that page by token
// (identity domains). opts.Count is the page size; StartIndex does not count.
func (s *Service[T]) AllByCursor(ctx context.Context, opts ListOptions) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		opts.StartIndex = 0
		w := newWalker(opts, s.client.opts)
		defer w.close()
		cur := &cursor{limit: w.opts.Count}
		used := map[string]bool{"": true}
		for {
			var stop bool
			w.begin()
			head, err := s.fetch(ctx, opts, cur, func(r row[T]) bool {
				if w.take(rowKey(r.value, r.raw)) {
					stop = !yield(r.value, nil)
				}
				return !stop
			})
			if stop {
				return
			}
			if err == nil {
				w.note(head)
				switch {
				case head.next == "":
					err = w.complete()
					if err == nil {
						return
					}
				case w.barren > maxBarren:
					err = fmt.Errorf("%w: %d pages in a row brought nothing new", ErrTruncatedList, w.barren)
				case used[head.next]:
					err = fmt.Errorf("%w: the server sent the same page cursor twice", ErrTruncatedList)
				}
			}
			if err != nil {
				var zero T
				yield(zero, s.listError(err))
				return
			}
			used[head.next] = true
			cur.token = head.next
		}
	}
}

// listError names the type where the error itself does not name a path.
func (s *Service[T]) listError(err error) error {
	if errors.Is(err, ErrTruncatedList) {
		return fmt.Errorf("list %s: %w", s.typ.Name, err)
	}
	return err
}
