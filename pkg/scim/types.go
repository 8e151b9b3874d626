package scim

import (
	"encoding/json"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// Schema URNs of the messages of RFC 7644 section 8.2.
const (
	ListResponseURN  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	SearchRequestURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	PatchOpURN       = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	BulkRequestURN   = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	BulkResponseURN  = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	ErrorURN         = "urn:ietf:params:scim:api:messages:2.0:Error"
	// OldListResponseURN is what some older endpoints of identity domains
	// send in place of ListResponseURN.
	OldListResponseURN = "urn:scim:api:messages:2.0:ListResponse"
)

// Document is a resource as JSON, with every attribute the server sent.
// Numbers are json.Number, so that no digit is lost. It is a plain map: copy
// it with Clone before changing one that is shared.
type Document map[string]any

// ListOptions select and shape a list, search or get. The zero value asks for
// everything with the attributes returned by default.
type ListOptions struct {
	// Filter is sent as printed by its String method; nil means no filter.
	Filter filter.Expr
	SortBy string
	// Descending turns the order of SortBy around.
	Descending bool
	// Attributes are named attributes, added to those always returned.
	// AttributeSets adds whole classes: all, always, never, request, default.
	Attributes    []string
	AttributeSets []string
	// StartIndex is 1-based; 0 means the beginning. Count is the page size
	// asked for; 0 means the client's default.
	StartIndex int
	Count      int
	// Post sends the query as POST .search, which long filters and a plus
	// sign need. The client chooses it by itself where the URL grows too long
	// or the filter holds a plus sign.
	Post bool
}

// Page is one page of a list. Total is totalResults, or -1 when the server
// sent none.
type Page[T any] struct {
	Resources    []T
	Total        int
	StartIndex   int
	ItemsPerPage int
	// Next is the cursor of the next page where the server pages by cursor.
	Next string
}

// WriteOptions go with a create, replace, patch or delete.
type WriteOptions struct {
	// IfMatch makes the write conditional on this version (RFC 7644 section
	// 3.14); empty writes unconditionally.
	IfMatch string
	// RetryToken makes a create safe to repeat for 24 h where the server
	// honours opc-retry-token. Only then does the transport repeat a POST.
	RetryToken string
	// Force deletes references to the resource as well (forceDelete).
	Force bool
	// Once says that the write does something anew each time it is sent, so
	// that it is repeated only when it provably was not carried out.
	Once bool
	// Self permits a change of the own account (allowSelfChange), which
	// identity domains refuse otherwise. It counts on a delete; in a body the
	// caller says it.
	Self bool
	// Attributes shape the answer, as in ListOptions.
	Attributes    []string
	AttributeSets []string
}

// PatchOp is one operation of a PATCH request (RFC 7644 section 3.5.2). Op is
// "add", "remove" or "replace"; Path is a printed filter.Path, empty where the
// value is an object with attribute names.
type PatchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

// BulkOperation is one operation of a bulk request (RFC 7644 section 3.7).
// Path is relative to the base of the family, with a leading slash.
type BulkOperation struct {
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	BulkID  string          `json:"bulkId,omitempty"`
	Version string          `json:"version,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// BulkResult is the outcome of one operation of a bulk request.
type BulkResult struct {
	Method   string
	Location string
	BulkID   string
	Version  string
	Status   int
	// Response is the resource or the error body, where the server sent one.
	Response json.RawMessage
	// Err is nil for a 2xx status, else an *Error.
	Err error
}
