// Package auth keeps what lets idctl in: access tokens in a cache on disk that
// processes share, and secrets in a store apart from the configuration. It
// asks no service by itself, pkg/transport/tokens does that; and it decides
// nothing about profiles, internal/config does.
//
// Files are 0600 in directories that are 0700. They are written under another
// name, synced and renamed, so that a kill or a full disk leaves either the old
// file or the new one. The cache may be lost at any time; the secrets may not,
// which is why a damaged cache file is replaced and a damaged secrets file is
// an error.
package auth
