// Package provider is what commands, transfer and synchronisation see of an
// identity cloud: small interfaces, and documents passed through them. The
// dialects (idcs, later nevis and scim) live in packages below it.
//
// A provider that cannot do a thing answers *UnsupportedError, which names the
// way that exists. Attributes nobody knows survive every round trip, because
// documents are the service's own JSON.
package provider

import (
	"context"
	"errors"
	"iter"

	"github.com/idctl/idctl/pkg/scim"
)

// ErrUnsupported says that this provider cannot do that. See UnsupportedError.
var ErrUnsupported = errors.New("not supported by this provider")

// UnsupportedError names what a provider cannot do and what to do instead.
type UnsupportedError struct {
	Provider string
	What     string
	Instead  string // a hint, a line of its own; may be empty
}

func (e *UnsupportedError) Error() string { return "provider " + e.Provider + " cannot " + e.What }

// Is matches ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// Hint is the way that exists, a line of its own; it may be empty.
func (e *UnsupportedError) Hint() string { return e.Instead }

// Reader reads the resources of one type.
type Reader interface {
	// Get reads one resource by id or OCID. scim.ErrNotFound when there is none.
	Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error)
	// Page reads one page, All every page one after the other. All stops at
	// the first error, and when ctx ends.
	Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error)
	All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error]
}

// Writer changes the resources of one type. Every method answers an error that
// errors.Is can tell apart: scim.ErrNotFound, scim.ErrConflict (uniqueness or
// a version that moved), scim.ErrForbidden, scim.ErrUnavailable.
type Writer interface {
	Create(ctx context.Context, doc scim.Document, opts scim.WriteOptions) (scim.Document, error)
	Replace(ctx context.Context, id string, doc scim.Document, opts scim.WriteOptions) (scim.Document, error)
	Patch(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error)
	Delete(ctx context.Context, id string, opts scim.WriteOptions) error
}

// ReceiptWriter is a Writer for those who write by the thousand: the body comes
// encoded, and of the answer no more is read than which resource it is and
// which version it has. Providers have it where that is all there is to a
// write; where they have to look at documents, they do not.
type ReceiptWriter interface {
	CreateReceipt(ctx context.Context, body []byte, opts scim.WriteOptions) (scim.Receipt, error)
	PatchReceipt(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Receipt, error)
}

// Resources reads and writes one type. Type is its name, "User"; Path what
// bulk operations use, "/Users".
type Resources interface {
	Reader
	Writer
	Type() string
	Path() string
	// Keys names the attributes a person may call a resource by, best first:
	// userName, emails.value for users; displayName for groups.
	Keys() []string
}

// Bulker sends many operations in one call. MaxOperations and MaxBytes bound
// a call; Bulk answers one result per operation, in order, or one error when
// the whole call failed and nothing is known of the single operations.
type Bulker interface {
	Bulk(ctx context.Context, ops []scim.BulkOperation, retryToken string) ([]scim.BulkResult, error)
	BulkLimits() (maxOperations, maxBytes int)
}

// Provider is one service under one profile. It is safe for concurrent use.
type Provider interface {
	// Name is the provider's word in a profile: idcs, nevis or scim.
	Name() string
	// BaseURL is the service's origin, without a trailing slash.
	BaseURL() string
	Users() Resources
	Groups() Resources
	// Resource answers any type by its name or endpoint, without regard to
	// case: User, users, AppRoles.
	Resource(name string) (Resources, error)
	// ResourceNames lists what Resource knows, sorted.
	ResourceNames() []string
	// Bulker is nil where the service has no bulk call.
	Bulker() Bulker
	// Raw sends any request with the profile's credentials: path is relative
	// to the origin, or absolute on the same origin. The caller closes nothing:
	// the body is read through the size limit.
	Raw(ctx context.Context, req RawRequest) (*RawResponse, error)
}

// RawRequest is a call typed by the user.
type RawRequest struct {
	Method  string
	Path    string
	Header  map[string]string
	Body    []byte
	NoRetry bool
}

// RawResponse is its answer.
type RawResponse struct {
	Status int
	Header map[string][]string
	Body   []byte
}
