// Package mapping turns the rows of CSV files into users and groups, and
// documents back into rows.
//
// It knows the columns of the identity cloud in both generations of their
// names, which attribute each one sets and what a cell may hold. It makes no
// call: references are resolved by whoever runs the import, and what a service
// alone can decide (passwords, custom attributes, most lengths) is left to it.
package mapping

// Schema URNs of the documents made here.
const (
	UserURN        = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN       = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseURN  = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	UserExtURN     = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	UserStateURN   = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	GroupExtURN    = "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group"
	RequestableURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:requestable:Group"
)

// The resource types a file may describe.
const (
	User  = "User"
	Group = "Group"
)
