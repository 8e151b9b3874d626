package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// ErrEmptyKey is an empty word where a resource should be named.
var ErrEmptyKey = errors.New("empty name")

// maxCandidates is how many resources an AmbiguousError names.
const maxCandidates = 10

// Candidate is one of several resources that a key might mean.
type Candidate struct {
	ID   string
	Name string
}

// AmbiguousError says that a key names several resources. It is
// scim.ErrAmbiguous. Total may be larger than the number of candidates.
type AmbiguousError struct {
	Type       string
	Key        string
	Candidates []Candidate
	Total      int
}

// Error names the key and the candidates.
func (e *AmbiguousError) Error() string {
	names := make([]string, 0, len(e.Candidates))
	for _, c := range e.Candidates {
		names = append(names, c.Name+" ("+c.ID+")")
	}
	if more := e.Total - len(e.Candidates); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s %q is ambiguous: %s", e.Type, e.Key, strings.Join(names, ", "))
}

// Is matches scim.ErrAmbiguous.
func (e *AmbiguousError) Is(target error) bool { return target == scim.ErrAmbiguous }

// Hint says what helps.
func (e *AmbiguousError) Hint() string { return "name it by its id" }

var (
	idForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)
	})
	wordForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}$`)
	})
)

// IsOCID says whether a key is an Oracle Cloud id.
func IsOCID(key string) bool { return len(key) > 6 && strings.EqualFold(key[:6], "ocid1.") }

// IsID says whether a key has the form of a resource id: 32 hex digits or a
// UUID.
func IsID(key string) bool { return idForm().MatchString(key) }

// Find reads the one resource that a person calls key: its id, its OCID, or
// one of r.Keys. It takes one call where the form of the key is clear. A key
// that more than one resource has is an *AmbiguousError, unless it is the best
// attribute (the first of Keys) of exactly one of them. One that none has is
// scim.ErrNotFound.
func Find(ctx context.Context, r Resources, key string) (scim.Document, error) {
	if strings.TrimSpace(key) == "" {
		return nil, fmt.Errorf("%s: %w", r.Type(), ErrEmptyKey)
	}
	if f, ok := r.(Finder); ok {
		if doc, err := f.FindKey(ctx, key); doc != nil || err != nil {
			return doc, err
		}
	}
	keys := r.Keys()
	tried := IsOCID(key) || IsID(key) || len(keys) == 0
	if tried {
		doc, err := r.Get(ctx, key, scim.ListOptions{})
		if err == nil {
			return doc, nil
		}
		if !errors.Is(err, scim.ErrNotFound) && (len(keys) == 0 || !errors.Is(err, ErrUnsupported)) {
			return nil, err
		}
	}
	if len(keys) > 0 && !IsOCID(key) {
		doc, err := findByKeys(ctx, r, keys, key)
		if err != nil || doc != nil {
			return doc, err
		}
	}
	// Some types have ids of their own making, such as names of built-in
	// policies. Only a key that could be one is worth another call.
	if !tried && wordForm().MatchString(key) {
		doc, err := r.Get(ctx, key, scim.ListOptions{})
		if err == nil {
			return doc, nil
		}
		if !errors.Is(err, scim.ErrNotFound) && !errors.Is(err, scim.ErrInvalid) && !errors.Is(err, ErrUnsupported) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s %q: %w", r.Type(), key, scim.ErrNotFound)
}

// findByKeys answers nil when there is no such resource.
func findByKeys(ctx context.Context, r Resources, keys []string, key string) (scim.Document, error) {
	terms := make([]filter.Expr, 0, len(keys))
	for _, k := range keys {
		attr, err := filter.ParseAttr(k)
		if err != nil {
			return nil, fmt.Errorf("%s: key %s: %w", r.Type(), k, err)
		}
		terms = append(terms, filter.Eq(attr, key))
	}
	page, err := r.Page(ctx, scim.ListOptions{Filter: filter.AnyOf(terms...), Count: maxCandidates})
	if err != nil {
		return nil, err
	}
	whole := page.Total <= len(page.Resources)
	folded := Fold(key)
	for i, k := range keys {
		var hits []scim.Document
		for _, doc := range page.Resources {
			if has(doc, k, folded) {
				hits = append(hits, doc)
			}
		}
		switch {
		case len(hits) == 1 && (whole || i == 0 && r.Type() == userType):
			// A login is unique; that others have it as an address is no doubt.
			return hits[0], nil
		case len(hits) > 0:
			return nil, ambiguous(r.Type(), keys, key, hits, max(page.Total, len(hits)))
		}
	}
	switch len(page.Resources) {
	case 0:
		return nil, nil
	case 1:
		// The service compares in a way of its own: take its word.
		return page.Resources[0], nil
	}
	return nil, ambiguous(r.Type(), keys, key, page.Resources, page.Total)
}

const userType = "User"

func has(doc scim.Document, attr, folded string) bool {
	return slices.ContainsFunc(doc.Strings(attr), func(s string) bool { return Fold(s) == folded })
}

func ambiguous(typ string, keys []string, key string, docs []scim.Document, total int) *AmbiguousError {
	e := &AmbiguousError{Type: typ, Key: key, Total: max(total, len(docs))}
	for _, doc := range docs[:min(len(docs), maxCandidates)] {
		e.Candidates = append(e.Candidates, Candidate{ID: doc.ID(), Name: nameOf(doc, keys)})
	}
	// The service's order is none; people look for a name.
	slices.SortFunc(e.Candidates, func(a, b Candidate) int {
		return cmp.Or(strings.Compare(Fold(a.Name), Fold(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return e
}

// nameOf is what a person would call the resource.
func nameOf(doc scim.Document, keys []string) string {
	for _, k := range append(slices.Clone(keys), "displayName", "name", "id") {
		if s := doc.String(k); s != "" {
			return s
		}
	}
	return ""
}
