// Package idcs is the client for Oracle Identity Cloud Service and OCI IAM
// identity domains: the SCIM dialect at /admin/v1 on top of pkg/scim, with the
// service's resource types, their endpoints, operations and schema URNs, and
// its published limits.
//
// Five types have structs (User, Group, App, AppRole, Grant). Every other type
// is read and written as scim.Document by way of Client.Resource. Structs keep
// the attributes that they do not know, in extensions and nested values too,
// so that a read and a replace lose nothing.
//
// The package does not know profiles, commands or sign-on; tokens come from a
// transport.TokenSource.
package idcs

//go:generate go run ./gen -ref ../../../shared/reference/idcs
