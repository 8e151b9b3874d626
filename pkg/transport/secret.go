package transport

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every rendering of a Secret says.
const redacted = "[redacted]"

// Secret is a string that no log line, error or dump may show. Every way of
// printing or marshalling it gives "[redacted]"; Reveal is the only way to the
// value, so that a search for Reveal finds each place where a secret leaves.
// It must not be the key of a map: encoding/json writes string keys as they
// are, whatever their type. The zero value is the empty secret.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// IsZero reports whether there is no secret at all.
func (s Secret) IsZero() bool { return s == "" }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb: %x of a string type would
// otherwise print it in hexadecimal, past String.
func (Secret) Format(f fmt.State, _ rune) {
	// A Formatter has nobody to report a failed write to.
	_, _ = io.WriteString(f, redacted)
}

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]" as a JSON string. Code that has to write a
// secret down says so with Reveal.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]"; XML and YAML go through it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
