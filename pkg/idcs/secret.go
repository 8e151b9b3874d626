package idcs

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that the service protects: a password, a client secret, a
// recovery code. It travels in JSON as it is, and shows as "[redacted]"
// wherever it is printed or logged. Convert it to a string to see it.
type Secret string

// String hides the value.
func (Secret) String() string { return redacted }

// GoString hides the value.
func (Secret) GoString() string { return redacted }

// Format hides the value under every verb.
func (Secret) Format(f fmt.State, _ rune) {
	// A failed write shows in what the caller does with f's writer.
	_, _ = io.WriteString(f, redacted)
}

// LogValue hides the value.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
