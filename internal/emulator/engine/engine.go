// Package engine is the emulator's resource engine: what a SCIM service does
// with a document, driven by schemas and by hooks per type.
//
// It knows schemas, filters and the store; it knows neither HTTP nor OAuth.
// Its callers (the HTTP families, Bulk, jobs, seeding) hand it documents and
// get documents back. Documents are map[string]any with json.Number for
// numbers. Each call is one transaction; audit events and derived data are
// written in the same one.
package engine

import "time"

// Document is a resource as decoded JSON, numbers as json.Number.
type Document = map[string]any

// Actor is who a call is made for; it becomes idcsCreatedBy and the actor of
// audit events. Type is "User" or "App".
type Actor struct {
	Type    string
	ID      string
	OCID    string
	Name    string
	Display string
	// Scopes and Roles are what the token carries; hooks may ask.
	Roles []string
}

// Call is what surrounds one operation.
type Call struct {
	Actor     Actor
	RequestID string
	ClientIP  string
	// BaseURL is put in front of locations and $ref when rendering: scheme and
	// host, without a trailing slash. It is never stored.
	BaseURL string
	// hashes are passwords of this call that were hashed before its transaction.
	hashes map[string]string
	// IgnoreTerms makes a new bypass code expire and be used as the settings
	// say, whatever the request asks for; HideCodes leaves codes out of what is
	// read. Both are for clients that have to cope with either.
	IgnoreTerms bool
	HideCodes   bool
	// Plain asks for plain SCIM: the schemas and rules of RFC 7643 and 7644,
	// with locations below PlainBase.
	Plain bool
	// Within narrows the call to some groups and their members; nil does not.
	Within *Limit
}

// Params are the query parameters of an operation, or the members of a search
// request. A zero value asks for the defaults.
type Params struct {
	Filter        string
	SortBy        string
	SortOrder     string
	StartIndex    *int
	Count         *int
	Attributes    []string // split at commas outside brackets
	AttributeSets []string
	// Excluded are attributes to leave out of what is shown by default.
	Excluded []string
	// Page and Limit are cursor paging; Limit nil means the default page.
	Page  string
	Limit *int
	// IfMatch and IfNoneMatch are the headers' values; Force is
	// forceDelete=true.
	IfMatch     string
	IfNoneMatch string
	Force       bool
	// AllowSelfChange lets the caller change the own account
	// (idcs-behaviour 3.2).
	AllowSelfChange bool
	// Into asks, unless it is nil, for the answer of a read or a create as
	// JSON text appended to it, which spares decoding and encoding. Where the
	// engine cannot do that it answers documents.
	Into []byte
}

// Result is a rendered resource.
type Result struct {
	Doc      Document
	JSON     []byte // Params.Into and the resource, in place of Doc
	Version  string // etag
	Location string
	Created  bool
}

// List is a rendered list.
type List struct {
	Total        int
	StartIndex   int
	ItemsPerPage int
	Resources    []Document
	// JSON is Params.Into and, in place of Resources, Shown of them with
	// commas between.
	JSON     []byte
	Shown    int
	NextPage string // cursor for opc-next-page; empty at the end
}

// Clock tells the emulator's time, which the control API can move.
type Clock interface{ Now() time.Time }

// Error is a refusal with the status and body of the service (idcs-behaviour
// 2.6). It is rendered by the HTTP layer.
type Error struct {
	Status    int
	ScimType  string // RFC 7644 table 9; empty on most identity domain errors
	MessageID string // error.common.validation...
	Detail    string
	Data      map[string]any // additionalData
}

func (e *Error) Error() string { return e.Detail }

// MaxCount is the largest page of a list.
const MaxCount = 1000

// NotOfSchema says that an error is about a document which does not follow its
// schema: invalidSyntax in RFC 7644 table 9.
func NotOfSchema(e *Error) bool {
	return e.MessageID == msgUnknown || e.MessageID == msgSchema
}
