// Package sdktest holds the emulator against the vendor's own Go client for
// identity domains: what the generated client sends must be understood, and
// what it gets back must fit its types. It is a module of its own, so that the
// client, which is many times larger than the rest, does not become a
// dependency of anybody. There is nothing in it to import.
package sdktest
