// Package schema describes SCIM schemas and resource types: attributes with
// their characteristics (RFC 7643 section 2.2 and 7), look-up of an attribute
// by name or path, and the checks a value must pass.
//
// It knows the characteristics of RFC 7643 and those that identity domains
// add to them (idcs...). Values of this package are read-only once built and
// may be shared between goroutines.
package schema

// Mutability says when a value may be set (RFC 7643 section 7).
type Mutability string

// The mutabilities of RFC 7643 section 7. The empty string means ReadWrite.
const (
	ReadWrite Mutability = "readWrite"
	ReadOnly  Mutability = "readOnly"
	Immutable Mutability = "immutable"
	WriteOnly Mutability = "writeOnly"
)

// Returned says when an attribute is part of an answer (RFC 7643 section 7).
type Returned string

// The classes of RFC 7643 section 7. The empty string means ReturnedDefault.
const (
	ReturnedAlways  Returned = "always"
	ReturnedDefault Returned = "default"
	ReturnedRequest Returned = "request"
	ReturnedNever   Returned = "never"
)

// Uniqueness says within what a value must be unique (RFC 7643 section 7).
type Uniqueness string

// The scopes of RFC 7643 section 7. The empty string means UniqueNone.
const (
	UniqueNone   Uniqueness = "none"
	UniqueServer Uniqueness = "server"
	UniqueGlobal Uniqueness = "global"
)

// Type is an RFC 7643 data type.
type Type string

// The data types of RFC 7643 section 2.3.
const (
	TypeString    Type = "string"
	TypeBoolean   Type = "boolean"
	TypeDecimal   Type = "decimal"
	TypeInteger   Type = "integer"
	TypeDateTime  Type = "dateTime"
	TypeReference Type = "reference"
	TypeBinary    Type = "binary"
	TypeComplex   Type = "complex"
)

// Attribute is one attribute of a schema with its characteristics. The JSON
// names are those of a SCIM Schemas answer; the idcs... members are the
// extensions that identity domains declare there.
type Attribute struct {
	Name        string     `json:"name"`
	Type        Type       `json:"type"`
	MultiValued bool       `json:"multiValued"`
	Description string     `json:"description,omitempty"`
	Required    bool       `json:"required"`
	CaseExact   bool       `json:"caseExact"`
	Mutability  Mutability `json:"mutability,omitempty"`
	Returned    Returned   `json:"returned,omitempty"`
	Uniqueness  Uniqueness `json:"uniqueness,omitempty"`

	CanonicalValues []string     `json:"canonicalValues,omitempty"`
	ReferenceTypes  []string     `json:"referenceTypes,omitempty"`
	SubAttributes   []*Attribute `json:"subAttributes,omitempty"`

	// Searchable attributes may be used in a filter and for sorting.
	Searchable bool `json:"idcsSearchable"`
	// PII marks personal data, to be masked in logs.
	PII bool `json:"idcsPii,omitempty"`
	// Sensitive names the protection of a secret: encrypt, hash or hash_sc.
	Sensitive string `json:"idcsSensitive,omitempty"`
	// MinLength and MaxLength bound strings in characters; 0 means no bound.
	MinLength int `json:"idcsMinLength,omitempty"`
	MaxLength int `json:"idcsMaxLength,omitempty"`
	// Pattern is a regular expression that strings must match as a whole.
	Pattern string `json:"idcsuiRegexp,omitempty"`
	// DisplayName is what people read in place of the name.
	DisplayName string `json:"idcsDisplayName,omitempty"`
	// MinValue and MaxValue bound integers; nil means no bound.
	MinValue *int64 `json:"idcsMinValue,omitempty"`
	MaxValue *int64 `json:"idcsMaxValue,omitempty"`
	// Default is what the server sets when a create leaves the attribute out.
	Default any `json:"idcsDefaultValue,omitempty"`
	// CompositeKey names the sub-attributes that together identify one
	// element of a multi-valued complex attribute.
	CompositeKey []string `json:"idcsCompositeKey,omitempty"`
	// Paginate says that the attribute itself can be paged inside attributes=.
	Paginate bool `json:"idcsPaginateResponse,omitempty"`
	// CSVName is the older CSV column; CSVColumns the present mappings.
	CSVName    string      `json:"idcsCsvAttributeName,omitempty"`
	CSVColumns []CSVColumn `json:"idcsCsvAttributeNameMappings,omitempty"`
}

// CSVColumn maps a column of the service's import and export files to a path.
type CSVColumn struct {
	Header    string `json:"columnHeaderName,omitempty"`
	OldHeader string `json:"deprecatedColumnHeaderName,omitempty"`
	MapsTo    string `json:"mapsTo,omitempty"`
	Delimiter string `json:"multiValueDelimiter,omitempty"`
	Default   string `json:"defaultValue,omitempty"`
}

// Schema is a set of attributes under a URN.
type Schema struct {
	ID          string       `json:"id"`
	Name        string       `json:"name,omitempty"`
	Description string       `json:"description,omitempty"`
	Attributes  []*Attribute `json:"attributes"`

	index index
}

// Verb is an operation that a resource type allows; values combine by OR.
type Verb uint16

// The verbs of a resource type.
const (
	VerbList Verb = 1 << iota
	VerbGet
	VerbCreate
	VerbPut
	VerbPatch
	VerbDelete
	VerbSearch
)

// ResourceType joins the schemas of one kind of resource with its endpoint
// (RFC 7643 section 6).
type ResourceType struct {
	// Name is the resource type, "User"; Endpoint its path below the base of
	// its family, "/Users".
	Name     string
	Endpoint string
	// Core is the main schema, with the attributes that every resource shares
	// (schemas, id, meta, ...) among its attributes.
	Core *Schema
	// Extensions are the extension schemas; each sits in a document under a
	// member named by its URN.
	Extensions []*Schema
	Verbs      Verb
	// SingletonID is the fixed id where the collection holds one resource.
	SingletonID string

	extensions extensions
}
