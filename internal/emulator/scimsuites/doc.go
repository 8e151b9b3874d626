// Package scimsuites runs conformance suites that others wrote against the
// emulator's plain SCIM: scim2-tester and scim-sanity, both from the Python
// package index. It holds tests only; what the suites find and is not going to
// be changed is listed in the test and in docs/emulator.md.
//
// The suites are installed into a folder of their own, which the variable
// IDCTL_SCIM_SUITES names. Without it, or without Python, the test is skipped,
// except where CI is true.
package scimsuites
