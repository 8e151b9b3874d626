package engine

import (
	"fmt"
	"net/http"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// Message ids that the service is known to send (idcs-behaviour 2.6).
const (
	msgMissingAttributes = "error.common.validation.missingReqAttributes"
	msgReference         = "error.common.validation.invalidReferenceResource"
	msgTooLong           = "error.common.validation.stringExceedsMaxLimit"
	msgNoPrimaryEmail    = "error.identity.user.primaryEmailNotSpecified"
)

// Message ids that no source names: guesses, in the style of the known ones.
const (
	msgTooShort       = "error.common.validation.stringBelowMinLimit"
	msgRange          = "error.common.validation.valueOutOfRange"
	msgType           = "error.common.validation.invalidAttributeType"
	msgPattern        = "error.common.validation.patternMismatch"
	msgCanonical      = "error.common.validation.invalidCanonicalValue"
	msgUnknown        = "error.common.validation.invalidAttribute"
	msgSchema         = "error.common.validation.invalidSchema"
	msgReadOnly       = "error.common.validation.readOnlyAttribute"
	msgImmutable      = "error.common.validation.immutableAttribute"
	msgFilter         = "error.common.validation.invalidFilter"
	msgNotSearchable  = "error.common.validation.attributeNotSearchable"
	msgAttributes     = "error.common.validation.invalidAttributes"
	msgPatch          = "error.common.validation.invalidPatch"
	msgPath           = "error.common.validation.invalidPath"
	msgNoTarget       = "error.common.validation.noTarget"
	msgCursor         = "error.common.validation.invalidCursor"
	msgBody           = "error.common.validation.invalidBody"
	msgTooMany        = "error.common.validation.tooManyMembers"
	msgDuplicate      = "error.common.common.resourceAlreadyExists"
	msgNotFound       = "error.common.common.resourceNotFound"
	msgVersion        = "error.common.common.resourceVersionMismatch"
	msgVerb           = "error.common.common.operationNotSupported"
	msgNotImplemented = "error.common.common.notImplemented"
	msgPrevented      = "error.common.common.operationPrevented"
	msgInternal       = "error.common.common.internalError"
)

// ScimType values of RFC 7644 table 9.
const (
	scimUniqueness    = "uniqueness"
	scimInvalidFilter = "invalidFilter"
	scimInvalidValue  = "invalidValue"
	scimInvalidPath   = "invalidPath"
	scimInvalidSyntax = "invalidSyntax"
	scimNoTarget      = "noTarget"
	scimMutability    = "mutability"
	scimTooMany       = "tooMany"
)

func fail(status int, scimType, messageID, format string, args ...any) *Error {
	return &Error{Status: status, ScimType: scimType, MessageID: messageID, Detail: fmt.Sprintf(format, args...)}
}

func bad(messageID, format string, args ...any) *Error {
	return fail(http.StatusBadRequest, scimInvalidValue, messageID, format, args...)
}

func notFound(typ, id string) *Error {
	return fail(http.StatusNotFound, "", msgNotFound, "%s %q does not exist.", typ, id)
}

// noVerb refuses a verb that a type does not have. The documents give both 403
// and 405 for it; which one it is, is a guess.
func noVerb(ti *typeInfo, verb schema.Verb) *Error {
	return fail(http.StatusMethodNotAllowed, "", msgVerb, "Resource type %s does not support %s.", ti.rt.Name, verbName(verb))
}

func verbName(v schema.Verb) string {
	switch v {
	case schema.VerbList:
		return "list"
	case schema.VerbGet:
		return "get"
	case schema.VerbCreate:
		return "create"
	case schema.VerbPut:
		return "replace"
	case schema.VerbPatch:
		return "patch"
	case schema.VerbDelete:
		return "delete"
	default:
		return "search"
	}
}
