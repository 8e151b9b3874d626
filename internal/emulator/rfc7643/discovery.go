package rfc7643

import "github.com/idctl/idctl/pkg/scim/schema"

// ServiceProviderConfig answers the schema of section 5.
func ServiceProviderConfig() *schema.Schema {
	feature := func(name, description string, more ...*schema.Attribute) *schema.Attribute {
		supported := typed("supported", "Whether the operation is supported.", schema.TypeBoolean, readOnly, required)
		return complexOf(name, description, []option{readOnly, required}, append([]*schema.Attribute{supported}, more...)...)
	}
	number := func(name, description string) *schema.Attribute {
		return typed(name, description, schema.TypeInteger, readOnly, required)
	}
	return &schema.Schema{
		ID: URNServiceProviderConfig, Name: "ServiceProviderConfig",
		Description: "The service provider's configuration",
		Attributes: []*schema.Attribute{
			ref("documentationUri", "An HTTP-addressable URL pointing to the service provider's documentation.", []string{"external"}, readOnly),
			feature("patch", "PATCH configuration options."),
			feature("bulk", "Bulk configuration options.",
				number("maxOperations", "The maximum number of operations."),
				number("maxPayloadSize", "The maximum payload size in bytes.")),
			feature("filter", "FILTER options.",
				number("maxResults", "The maximum number of resources returned in a response.")),
			feature("changePassword", "Options related to changing a password."),
			feature("sort", "Sort result options."),
			feature("etag", "ETag options."),
			complexOf("authenticationSchemes", "The supported authentication schemes.", []option{many, readOnly, required},
				str("type", "The authentication scheme.", readOnly, required,
					canonical("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")),
				str("name", "The common authentication scheme name.", readOnly, required),
				str("description", "A description of the authentication scheme.", readOnly, required),
				ref("specUri", "A URL pointing to the specification of the scheme.", []string{"external"}, readOnly),
				ref("documentationUri", "A URL pointing to the usage documentation of the scheme.", []string{"external"}, readOnly),
				typed("primary", "Whether this is the preferred scheme.", schema.TypeBoolean, readOnly),
			),
		},
	}
}

// ResourceType answers the schema of section 6.
func ResourceType() *schema.Schema {
	return &schema.Schema{
		ID: URNResourceType, Name: "ResourceType", Description: "The schemas and the endpoint of a kind of resource",
		Attributes: []*schema.Attribute{
			str("id", "The resource type's server unique id.", readOnly),
			str("name", "The resource type name.", readOnly, required),
			str("description", "The resource type's human-readable description.", readOnly),
			ref("endpoint", "The resource type's HTTP-addressable endpoint relative to the base URL.", []string{"uri"}, readOnly, required),
			ref("schema", "The resource type's primary schema URI.", []string{"uri"}, readOnly, required),
			complexOf("schemaExtensions", "The resource type's schema extensions.", []option{many, readOnly},
				ref("schema", "The URI of a schema extension.", []string{"uri"}, readOnly, required),
				typed("required", "Whether a resource of the type must have the extension.", schema.TypeBoolean, readOnly, required),
			),
		},
	}
}

// Schema answers the schema of section 7.
func Schema() *schema.Schema {
	attributes := func(subs ...*schema.Attribute) []*schema.Attribute {
		return append([]*schema.Attribute{
			str("name", "The attribute's name.", readOnly, required, exact),
			str("type", "The attribute's data type.", readOnly, required,
				canonical("string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary")),
			typed("multiValued", "Whether the attribute is a list.", schema.TypeBoolean, readOnly, required),
			str("description", "A human-readable description of the attribute.", readOnly, exact),
			typed("required", "Whether the attribute must have a value.", schema.TypeBoolean, readOnly),
			str("canonicalValues", "Suggested values.", many, readOnly, exact),
			typed("caseExact", "Whether a string attribute is case-sensitive.", schema.TypeBoolean, readOnly),
			str("mutability", "When the value of the attribute can be (re)defined.", readOnly, exact,
				canonical("readOnly", "readWrite", "immutable", "writeOnly")),
			str("returned", "When the attribute is returned in a response.", readOnly, exact,
				canonical("always", "never", "default", "request")),
			str("uniqueness", "How uniqueness of values is enforced.", readOnly, exact, canonical("none", "server", "global")),
			str("referenceTypes", "The resource types that may be referenced.", many, readOnly, exact),
		}, subs...)
	}
	return &schema.Schema{
		ID: URNSchema, Name: "Schema", Description: "The attributes of a schema",
		Attributes: []*schema.Attribute{
			str("id", "The unique URI of the schema.", readOnly, required, exact),
			str("name", "The schema's human-readable name.", readOnly, required),
			str("description", "The schema's human-readable description.", readOnly),
			complexOf("attributes", "The attributes of the schema.", []option{many, readOnly, required},
				attributes(complexOf("subAttributes", "The sub-attributes of a complex attribute.", []option{many, readOnly}, attributes()...))...),
		},
	}
}
