// Package catalogtest replays a catalogue of recorded requests, those of the
// vendor's public sample collections, against the emulator, and compares the
// answers with what was recorded or is documented. It also compares the table
// of guesses in docs/emulator.md with the code. There is nothing in it to
// import: the catalogue is no part of the repository, and its place is named by
// the environment variable IDCTL_REFERENCE.
package catalogtest
