// Package browsertest walks through the emulator's web pages in a real browser:
// from an invitation to a sign-in, a block and a reset, as a person would, on a
// wide screen and on a phone. It is a module of its own, so that what drives the
// browser does not become a dependency of anybody. There is nothing in it to
// import.
package browsertest
