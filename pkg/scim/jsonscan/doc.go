// Package jsonscan reads parts of a JSON text without decoding it: where a
// value ends, and the text of chosen members. Lists of thousands of resources
// are read this way when only their ids or a few columns are wanted, or when
// the resources are handed on as they came.
//
// It takes for JSON exactly what encoding/json takes for JSON. What encoding/json
// decides by rules of its own (a name that comes twice, bytes that are not
// UTF-8) is not decided here once more: such an object is marked odd, and the
// caller decodes it. It knows nothing of SCIM but that names of attributes
// compare without regard to case.
package jsonscan
