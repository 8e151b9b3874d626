package runner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

// lookupBatch is how many keys one look-up asks for: an OR filter of that many
// terms stays far below the request limit of the service.
const lookupBatch = 50

// references knows the ids of the resources that rows refer to. It keeps those
// the file really refers to and no others, so its size is the number of
// managers or members, not of rows.
type references struct {
	provider provider.Provider

	mu     sync.Mutex
	wanted map[digest]struct{}
	ids    map[digest]string
	absent map[digest]struct{}
	doubt  map[digest]*provider.AmbiguousError // absent, because several have that name
}

func newReferences(p provider.Provider) *references {
	return &references{provider: p, wanted: map[digest]struct{}{}, ids: map[digest]string{}, absent: map[digest]struct{}{}, doubt: map[digest]*provider.AmbiguousError{}}
}

func (f *references) want(ref transfer.Ref) {
	f.wanted[digestOf(ref.Type, ref.Key)] = struct{}{}
}

// wants says whether the file refers to a resource. What it refers to is known
// before anything is sent, and does not change any more.
func (f *references) wants(typ, key string) bool {
	if len(f.wanted) == 0 {
		return false
	}
	_, ok := f.wanted[digestOf(typ, key)]
	return ok
}

// learn notes a resource that was found or created, if anything refers to it.
func (f *references) learn(typ, key, id string) {
	if id == "" || !f.wants(typ, key) {
		return
	}
	d := digestOf(typ, key)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids[d] = id
	delete(f.absent, d)
	delete(f.doubt, d)
}

// id is a transfer.Resolved.
func (f *references) id(ref transfer.Ref) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, ok := f.ids[digestOf(ref.Type, ref.Key)]
	return id, ok
}

// why says why a reference has no id.
func (f *references) why(ref transfer.Ref) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.doubt[digestOf(ref.Type, ref.Key)]; e != nil {
		return e.Error()
	}
	return "there is no " + strings.ToLower(ref.Type) + " " + ref.Key
}

// resolve looks up the references not known yet, in batches. Those that do not
// exist stay unknown; unless again is set they are not asked for twice. A
// reference that inFile says a row will create is looked for by its own name
// only: that another has it as an e-mail address must not make it the other.
func (f *references) resolve(ctx context.Context, refs []transfer.Ref, again bool, inFile func(transfer.Ref) bool, called func(int)) error {
	byType := map[string][]string{}
	seen := map[digest]struct{}{}
	f.mu.Lock()
	for _, ref := range refs {
		d := digestOf(ref.Type, ref.Key)
		_, known := f.ids[d]
		_, absent := f.absent[d]
		_, twice := seen[d]
		if known || twice || (absent && !again) {
			continue
		}
		seen[d] = struct{}{}
		byType[ref.Type] = append(byType[ref.Type], ref.Key)
	}
	f.mu.Unlock()
	for typ, keys := range byType {
		resources, err := f.provider.Resource(typ)
		if err != nil {
			return err
		}
		found := make(map[string]scim.Document, len(keys))
		double := doubles{}
		rest := keys
		for i, attr := range resources.Keys() {
			if i > 0 {
				rest = slices.DeleteFunc(slices.Clone(rest), func(key string) bool {
					fold := provider.Fold(key)
					return found[fold] != nil || double[fold] != nil || inFile(transfer.Ref{Type: typ, Key: key})
				})
			}
			if len(rest) == 0 {
				break
			}
			opts := scim.ListOptions{Attributes: []string{resources.Keys()[0]}}
			docs, twice, err := lookup(ctx, resources, attr, rest, opts, called)
			if err != nil {
				return err
			}
			maps.Copy(found, docs)
			maps.Copy(double, twice)
		}
		f.mu.Lock()
		for _, key := range keys {
			d, fold := digestOf(typ, key), provider.Fold(key)
			if doc, ok := found[fold]; ok {
				f.ids[d] = doc.String("id")
			} else if _, ok := f.ids[d]; !ok {
				f.absent[d] = struct{}{}
				if e := double[fold]; e != nil {
					f.doubt[d] = e
				}
			}
		}
		f.mu.Unlock()
	}
	return nil
}

// doubles are the keys, folded, that several resources have.
type doubles map[string]*provider.AmbiguousError

// lookup finds resources by one of their key attributes, one call a batch.
func lookup(ctx context.Context, resources provider.Resources, attr string, keys []string, opts scim.ListOptions, called func(int)) (map[string]scim.Document, doubles, error) {
	found := make(map[string]scim.Document, len(keys))
	double := doubles{}
	for len(keys) > 0 {
		batch := keys[:min(lookupBatch, len(keys))]
		keys = keys[len(batch):]
		called(0)
		docs, err := provider.FindMany(ctx, resources, attr, batch, opts)
		if err != nil && docs == nil {
			return nil, nil, err
		}
		for key, doc := range docs {
			found[key] = doc
		}
		double.note(err)
	}
	return found, double, nil
}

// note takes the ambiguous keys out of a joined error.
func (d doubles) note(err error) {
	var e *provider.AmbiguousError
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			d.note(one)
		}
	} else if errors.As(err, &e) {
		d[provider.Fold(e.Key)] = e
	}
}
