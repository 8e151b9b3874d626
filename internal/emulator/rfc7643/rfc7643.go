// Package rfc7643 holds the schemas that RFC 7643 defines: User, Group and the
// enterprise extension (sections 4 and 8.7.1), and those of the three
// discovery documents (sections 5 to 7 and 8.7.2), with the attributes that
// every resource shares (section 3.1) apart.
//
// It is data: nothing here knows what the emulator can do, and nothing of what
// identity domains add. Every call builds the schemas anew, so that a caller
// may change what it got.
package rfc7643

import "github.com/idctl/idctl/pkg/scim/schema"

// URNs of the schemas.
const (
	URNUser                  = "urn:ietf:params:scim:schemas:core:2.0:User"
	URNGroup                 = "urn:ietf:params:scim:schemas:core:2.0:Group"
	URNEnterprise            = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	URNServiceProviderConfig = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	URNResourceType          = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	URNSchema                = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// Common answers the attributes that every resource has and no schema lists
// (section 3.1), schemas among them.
func Common() []*schema.Attribute {
	id := str("id", "A unique identifier for the resource, made by the service provider.", readOnly, exact)
	id.Returned = schema.ReturnedAlways
	id.Uniqueness = schema.UniqueServer
	schemas := str("schemas", "The URIs of the schemas that are present in the resource.", required, exact, many)
	schemas.Returned = schema.ReturnedAlways
	return []*schema.Attribute{
		schemas,
		id,
		str("externalId", "An identifier for the resource as defined by the provisioning client.", exact),
		complexOf("meta", "Resource metadata.", []option{readOnly},
			str("resourceType", "The name of the resource type of the resource.", readOnly, exact),
			typed("created", "When the resource was added to the service provider.", schema.TypeDateTime, readOnly),
			typed("lastModified", "When the details of the resource were last updated.", schema.TypeDateTime, readOnly),
			ref("location", "The URI of the resource.", []string{"uri"}, readOnly),
			str("version", "The version of the resource, as in the HTTP entity tag.", readOnly, exact),
		),
	}
}

// User answers the schema of section 4.1.
func User() *schema.Schema {
	return &schema.Schema{ID: URNUser, Name: "User", Description: "User Account", Attributes: []*schema.Attribute{
		str("userName", "Unique identifier for the User, typically used by the user to directly authenticate to the service provider.", required, unique),
		complexOf("name", "The components of the user's real name.", nil,
			str("formatted", "The full name, including all middle names, titles, and suffixes as appropriate, formatted for display."),
			str("familyName", "The family name of the User, or last name in most Western languages."),
			str("givenName", "The given name of the User, or first name in most Western languages."),
			str("middleName", "The middle name(s) of the User."),
			str("honorificPrefix", "The honorific prefix(es) of the User, or title in most Western languages."),
			str("honorificSuffix", "The honorific suffix(es) of the User, or suffix in most Western languages."),
		),
		str("displayName", "The name of the User, suitable for display to end-users."),
		str("nickName", "The casual way to address the user in real life."),
		ref("profileUrl", "A fully qualified URL pointing to a page representing the User's online profile.", []string{"external"}),
		str("title", "The user's title, such as \"Vice President\"."),
		str("userType", "Used to identify the relationship between the organization and the user."),
		str("preferredLanguage", "The User's preferred written or spoken language."),
		str("locale", "The User's default location for purposes of localizing items such as currency and date time format."),
		str("timezone", "The User's time zone in the 'Olson' time zone database format."),
		typed("active", "A Boolean value indicating the User's administrative status.", schema.TypeBoolean),
		str("password", "The User's cleartext password, used to set an initial password or to reset it.", writeOnly, exact),
		plural("emails", "Email addresses for the user.", schema.TypeString, "work", "home", "other"),
		plural("phoneNumbers", "Phone numbers for the User.", schema.TypeString, "work", "home", "mobile", "fax", "pager", "other"),
		plural("ims", "Instant messaging addresses for the User.", schema.TypeString, "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
		plural("photos", "URLs of photos of the User.", schema.TypeReference, "photo", "thumbnail"),
		complexOf("addresses", "Physical mailing addresses for this User.", []option{many},
			str("formatted", "The full mailing address, formatted for display or use with a mailing label."),
			str("streetAddress", "The full street address component."),
			str("locality", "The city or locality component."),
			str("region", "The state or region component."),
			str("postalCode", "The zip code or postal code component."),
			str("country", "The country name component."),
			str("type", "A label indicating the attribute's function.", canonical("work", "home", "other")),
			typed("primary", "Whether this is the preferred mailing address.", schema.TypeBoolean),
		),
		complexOf("groups", "The groups to which the user belongs, either directly or indirectly.", []option{many, readOnly},
			str("value", "The identifier of the User's group.", readOnly, exact),
			ref("$ref", "The URI of the corresponding Group resource.", []string{"Group"}, readOnly),
			str("display", "A human-readable name of the group.", readOnly),
			str("type", "A label indicating how the membership came about.", readOnly, canonical("direct", "indirect")),
		),
		plural("entitlements", "Entitlements for the User that represent a thing the User has.", schema.TypeString),
		plural("roles", "Roles for the User that collectively represent who the User is.", schema.TypeString),
		plural("x509Certificates", "Certificates issued to the User.", schema.TypeBinary),
	}}
}

// Group answers the schema of section 4.2.
func Group() *schema.Schema {
	return &schema.Schema{ID: URNGroup, Name: "Group", Description: "Group", Attributes: []*schema.Attribute{
		str("displayName", "A human-readable name for the Group.", required),
		complexOf("members", "The members of the Group.", []option{many},
			str("value", "The identifier of the member of this Group.", immutable, exact),
			ref("$ref", "The URI of the resource that is the member.", []string{"User", "Group"}, immutable),
			str("type", "A label indicating the type of resource.", immutable, canonical("User", "Group")),
			str("display", "A human-readable name of the member.", readOnly),
		),
	}}
}

// Enterprise answers the extension of section 4.3.
func Enterprise() *schema.Schema {
	return &schema.Schema{ID: URNEnterprise, Name: "EnterpriseUser", Description: "Enterprise User", Attributes: []*schema.Attribute{
		str("employeeNumber", "Numeric or alphanumeric identifier assigned to a person, typically based on order of hire or association with an organization."),
		str("costCenter", "The name of a cost center."),
		str("organization", "The name of an organization."),
		str("division", "The name of a division."),
		str("department", "The name of a department."),
		complexOf("manager", "The User's manager.", nil,
			str("value", "The id of the SCIM resource representing the User's manager.", exact),
			ref("$ref", "The URI of the SCIM resource representing the User's manager.", []string{"User"}),
			str("displayName", "The displayName of the User's manager.", readOnly),
		),
	}}
}

// option changes one characteristic of an attribute.
type option func(*schema.Attribute)

func required(a *schema.Attribute)  { a.Required = true }
func exact(a *schema.Attribute)     { a.CaseExact = true }
func many(a *schema.Attribute)      { a.MultiValued = true }
func unique(a *schema.Attribute)    { a.Uniqueness = schema.UniqueServer }
func readOnly(a *schema.Attribute)  { a.Mutability = schema.ReadOnly }
func immutable(a *schema.Attribute) { a.Mutability = schema.Immutable }

func writeOnly(a *schema.Attribute) {
	a.Mutability, a.Returned = schema.WriteOnly, schema.ReturnedNever
}

func canonical(values ...string) option {
	return func(a *schema.Attribute) { a.CanonicalValues = values }
}

// typed is an attribute with the defaults of section 2.2.
func typed(name, description string, typ schema.Type, options ...option) *schema.Attribute {
	a := &schema.Attribute{
		Name: name, Type: typ, Description: description,
		Mutability: schema.ReadWrite, Returned: schema.ReturnedDefault, Uniqueness: schema.UniqueNone,
	}
	for _, o := range options {
		o(a)
	}
	return a
}

func str(name, description string, options ...option) *schema.Attribute {
	return typed(name, description, schema.TypeString, options...)
}

// ref is a reference; URIs compare with regard to case (section 2.3.7).
func ref(name, description string, types []string, options ...option) *schema.Attribute {
	a := typed(name, description, schema.TypeReference, append([]option{exact}, options...)...)
	a.ReferenceTypes = types
	return a
}

func complexOf(name, description string, options []option, subs ...*schema.Attribute) *schema.Attribute {
	a := typed(name, description, schema.TypeComplex, options...)
	a.SubAttributes = subs
	return a
}

// plural is a list with the sub-attributes of section 2.4.
func plural(name, description string, value schema.Type, types ...string) *schema.Attribute {
	v := typed("value", "The value itself.", value)
	switch value {
	case schema.TypeReference:
		v.CaseExact, v.ReferenceTypes = true, []string{"external"}
	case schema.TypeBinary:
		v.CaseExact = true
	}
	return complexOf(name, description, []option{many},
		v,
		str("display", "A human-readable name, primarily used for display purposes."),
		str("type", "A label indicating the attribute's function.", canonical(types...)),
		typed("primary", "Whether this is the preferred value; true for at most one of them.", schema.TypeBoolean),
	)
}
