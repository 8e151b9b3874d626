// Package tokens gets OAuth2 access tokens: client credentials, resource owner
// password, refresh token and JWT assertion (RFC 6749, RFC 7523), or a token
// that somebody gave us. Each is a transport.TokenSource that asks the service
// at every call; Cached keeps the answer, renews it early and lets many
// goroutines share one request.
//
// The package keeps nothing on disk and reads no configuration.
package tokens
