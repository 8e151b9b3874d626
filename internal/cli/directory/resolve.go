package directory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// Found is what came of looking for one key.
type Found struct {
	Key string
	Doc scim.Document
	Err error
}

// FindOne reads the resource that a person calls key: by login or name, e-mail,
// id or OCID. On a terminal an ambiguous key is a question; elsewhere the error
// names the candidates. opts shape the answer.
func (b *Base) FindOne(ctx context.Context, r provider.Resources, key string, opts scim.ListOptions) (scim.Document, error) {
	switch {
	case key == "" && b.Kind.Typed: // the one resource of its type
		doc, err := r.Get(ctx, "", opts)
		if errors.Is(err, scim.ErrNoID) {
			return nil, cmdutil.Usagef("resources of type %s are named by an id", r.Type())
		}
		return doc, b.named("", err)
	case strings.TrimSpace(key) == "":
		return nil, cmdutil.Usagef("the name of a %s cannot be empty", b.Kind.Noun)
	}
	if provider.IsID(key) || provider.IsOCID(key) {
		doc, err := r.Get(ctx, key, opts)
		if err == nil {
			return doc, nil
		}
		if !errors.Is(err, scim.ErrNotFound) && !errors.Is(err, provider.ErrUnsupported) {
			return nil, b.named(key, err)
		}
	}
	doc, err := provider.Find(ctx, r, key)
	var ambiguous *provider.AmbiguousError
	if errors.As(err, &ambiguous) && b.Deps.IO.CanPrompt() && len(ambiguous.Candidates) > 0 {
		id, perr := b.choose(ctx, ambiguous)
		if perr != nil {
			return nil, perr
		}
		doc, err = r.Get(ctx, id, opts)
		return doc, b.named(key, err)
	}
	if err != nil {
		return nil, b.named(key, err)
	}
	if len(opts.Attributes)+len(opts.AttributeSets) > 0 {
		doc, err = r.Get(ctx, doc.ID(), opts)
	}
	return doc, b.named(key, err)
}

// missingError is an error such as a name that nobody has, with what helps.
type missingError struct {
	error
	hint string
}

func (e *missingError) Unwrap() error { return e.error }

// Hint implements cmdutil.Hinter.
func (e *missingError) Hint() string { return e.hint }

// named says of which resource an error speaks, as the user called it.
func (b *Base) named(key string, err error) error {
	var refusal *scim.Error
	var ambiguous *provider.AmbiguousError
	var near *provider.NearError
	switch {
	case err == nil, errors.As(err, &ambiguous), errors.As(err, &near):
		return err
	case errors.Is(err, scim.ErrNotFound) && (!errors.As(err, &refusal) || refusal.Op == "GET"):
		err = fmt.Errorf("%s %q: %w", b.Kind.Noun, key, scim.ErrNotFound)
		if b.Kind.Typed || provider.IsID(key) || provider.IsOCID(key) {
			return err
		}
		return &missingError{err, fmt.Sprintf("idctl %ss search TEXT lists those whose name begins with a text", b.Kind.Noun)}
	case key == "":
		return fmt.Errorf("%s: %w", b.Kind.Noun, err)
	}
	return fmt.Errorf("%s %q: %w", b.Kind.Noun, key, err)
}

func (b *Base) choose(ctx context.Context, e *provider.AmbiguousError) (id string, err error) {
	options := make([]string, len(e.Candidates))
	for i, c := range e.Candidates {
		options[i] = iostreams.Clean(c.Name + " (" + c.ID + ")")
	}
	text := fmt.Sprintf("which %s %q", b.Kind.Noun, e.Key)
	if more := e.Total - len(e.Candidates); more > 0 {
		text += fmt.Sprintf(" (%d more are not shown)", more)
	}
	i, err := b.Deps.Prompt.Select(ctx, prompt.Question{Text: text}, options)
	if err != nil {
		return "", err
	}
	return e.Candidates[i].ID, nil
}

// FindAll looks up a batch of keys in as few calls as possible and answers
// them in order. Each has its own error.
func (b *Base) FindAll(ctx context.Context, r provider.Resources, keys []string, opts scim.ListOptions) []Found {
	out := make([]Found, len(keys))
	var byName map[string]scim.Document
	if attrs := r.Keys(); len(keys) > 1 && len(attrs) > 0 {
		var names []string
		for _, k := range keys {
			if !provider.IsID(k) && !provider.IsOCID(k) {
				names = append(names, k)
			}
		}
		// A key that has no single owner by this attribute is looked for by the
		// others below, which also words the error.
		m, err := provider.FindMany(ctx, r, attrs[0], names, opts)
		if m == nil && err != nil {
			for i, k := range keys {
				out[i] = Found{Key: k, Err: b.named(k, err)}
			}
			return out
		}
		byName = m
	}
	for i, k := range keys {
		out[i].Key = k
		if doc, ok := byName[provider.Fold(k)]; ok {
			out[i].Doc = doc
			continue
		}
		out[i].Doc, out[i].Err = b.FindOne(ctx, r, k, opts)
		if Fatal(out[i].Err) {
			for j := i + 1; j < len(keys); j++ {
				out[j] = Found{Key: keys[j], Err: out[i].Err}
			}
			return out
		}
	}
	return out
}

// Batches groups keys for FindAll. A batch is given on when it is full and at
// the end of the input.
func Batches(keys iter.Seq2[string, error]) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		batch := make([]string, 0, provider.FindBatch)
		for k, err := range keys {
			if err != nil {
				if len(batch) > 0 && !yield(batch, nil) {
					return
				}
				yield(nil, err)
				return
			}
			if batch = append(batch, k); len(batch) == provider.FindBatch {
				if !yield(batch, nil) {
					return
				}
				batch = make([]string, 0, provider.FindBatch)
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// Fatal says whether an error would meet every further resource as well, so
// that going on is of no use.
func Fatal(err error) bool {
	if err == nil {
		return false
	}
	for _, t := range []error{
		context.Canceled, context.DeadlineExceeded, prompt.ErrInterrupted, prompt.ErrDeclined, prompt.ErrNoAnswer,
		scim.ErrUnauthorized, transport.ErrToken, transport.ErrUnreachable, transport.ErrInsecure, transport.ErrCrossOrigin,
		provider.ErrUnsupported, scim.ErrVerb,
	} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// FindEach looks up all keys or none: the first that is not found, or not
// clear, is the error.
func (b *Base) FindEach(ctx context.Context, r provider.Resources, keys []string, opts scim.ListOptions) ([]scim.Document, error) {
	out := make([]scim.Document, 0, len(keys))
	for chunk := range slices.Chunk(keys, provider.FindBatch) {
		for _, f := range b.FindAll(ctx, r, chunk, opts) {
			if f.Err != nil {
				return nil, f.Err
			}
			out = append(out, f.Doc)
		}
	}
	return out, nil
}

// PrintError reports the failure of one resource of several on stderr.
func PrintError(d *cmdutil.Deps, failure error) error {
	_, err := fmt.Fprintf(d.IO.ErrOut, "error: %s\n", iostreams.Clean(failure.Error()))
	return err
}
