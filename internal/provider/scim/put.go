package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
)

// putAttempts is how often a resource is read anew when it changed between
// reading and writing.
const putAttempts = 3

// put changes single attributes without PATCH: the resource is read whole, the
// operations are carried out here, the result goes by PUT under the condition
// that nothing changed meanwhile, where the server can check that.
func (r *resources) put(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	f, err := r.p.readFeatures(ctx)
	if err != nil {
		return nil, err
	}
	if f.etag == no {
		r.p.say(ctx, "the service changes whole resources only (PUT), without versions: what somebody else changes at the same moment is lost")
	} else {
		r.p.say(ctx, "the service changes whole resources only (PUT): each is read, changed here and written back")
	}
	s, _, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		now, err := r.whole(ctx, id)
		if err != nil {
			return nil, err
		}
		if opts.IfMatch != "" {
			if err := r.sameVersion(now, opts.IfMatch); err != nil {
				return nil, err
			}
		}
		after, err := now.doc.Apply(ops)
		if err != nil {
			return nil, fmt.Errorf("change %s %s: %w", r.base.name, id, err)
		}
		if after.Equal(now.doc) {
			return now.doc, nil
		}
		if err := r.strip(ctx, after); err != nil {
			return nil, err
		}
		match := ""
		if f.etag != no {
			match = now.version
		}
		out, err := s.Replace(ctx, id, after, scim.WriteOptions{IfMatch: match})
		if errors.Is(err, scim.ErrPrecondition) && opts.IfMatch == "" && attempt < putAttempts {
			r.p.log.InfoContext(ctx, "changed between reading and writing, reading once more", "type", r.base.name, "id", id)
			continue
		}
		if err != nil {
			return nil, r.refuse(err)
		}
		return r.after(ctx, id, out, opts)
	}
}

// versioned is a resource with its version, from the header or the document.
type versioned struct {
	doc     scim.Document
	version string
}

// whole reads everything that a PUT has to send back: also what the server
// sends on request only, which would be emptied otherwise.
func (r *resources) whole(ctx context.Context, id string) (versioned, error) {
	t, err := r.info(ctx)
	if err != nil {
		return versioned{}, err
	}
	path := t.endpoint
	if !t.bare {
		if path, err = scim.ResourcePath(t.endpoint, id); err != nil {
			return versioned{}, err
		}
	}
	resp, err := r.p.client.Do(ctx, &scim.Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return versioned{}, r.refuse(err)
	}
	doc, err := scim.DecodeDocument(resp.Body)
	if err != nil {
		return versioned{}, r.refuse(fmt.Errorf("GET %s: %w: %w", path, scim.ErrBadResponse, err))
	}
	if doc, err = r.checked(doc, id, http.MethodGet); err != nil {
		return versioned{}, err
	}
	out := versioned{doc, resp.Header.Get("ETag")}
	if out.version == "" {
		out.version = doc.Version()
	}
	attrs, err := r.attributes(ctx)
	if err != nil {
		return versioned{}, err
	}
	var hidden []string
	for _, a := range attrs {
		if _, has := doc.Get(a.path); !has && a.returned == "request" && a.mutability != "readonly" {
			hidden = append(hidden, a.path)
		}
	}
	if len(hidden) == 0 {
		return out, nil
	}
	more, err := r.Get(ctx, id, scim.ListOptions{Attributes: hidden})
	if err != nil {
		return versioned{}, fmt.Errorf("read what is sent on request only: %w", err)
	}
	if v := more.Version(); v != "" && doc.Version() != "" && v != doc.Version() {
		return versioned{}, &scim.Error{Op: http.MethodGet, Path: t.endpoint, Status: http.StatusPreconditionFailed, Detail: "it changes while it is read"}
	}
	for _, path := range hidden {
		if v, ok := more.Get(path); ok {
			if err := doc.Set(path, v); err != nil {
				return versioned{}, err
			}
		}
	}
	return out, nil
}

// strip takes out what only the server sets. RFC 7644 section 3.5.1 lets it
// ignore these, some servers refuse them.
func (r *resources) strip(ctx context.Context, doc scim.Document) error {
	doc.Delete("meta")
	if strings.EqualFold(r.base.name, "User") {
		doc.Delete("groups")
	}
	attrs, err := r.attributes(ctx)
	if err != nil {
		return err
	}
	for _, a := range attrs {
		if a.mutability == "readonly" && !strings.EqualFold(a.path, "id") && !strings.EqualFold(a.path, "schemas") {
			doc.Delete(a.path)
		}
	}
	return nil
}
