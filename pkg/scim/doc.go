// Package scim is a client for SCIM 2.0 services (RFC 7643 and RFC 7644): typed
// services with create, read, list, search, replace, patch and delete, pages as
// iterators, bulk calls, discovery, and errors that errors.Is can tell apart.
//
// It knows the two RFCs and no vendor. It opens no connections and knows no
// credentials: requests leave through a Doer, which owns retries, limits and
// authentication. Resources are either structs of the caller's or Documents,
// which keep every attribute that the server sent.
//
// Everything a Client hands out is safe for concurrent use, except Documents
// and builders, which belong to one goroutine at a time like any map.
package scim
