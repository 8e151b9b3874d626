package cmdutil

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"

	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/pkg/scim"
)

// errorJSON is the form of a final error for programs, printed on stderr when
// the output format is json or jsonl. docs/scripting.md describes it.
type errorJSON struct {
	Code      int      `json:"code"`
	Kind      string   `json:"kind"`
	Message   string   `json:"message"`
	Hints     []string `json:"hints,omitempty"`
	Status    int      `json:"status,omitempty"`
	ScimType  string   `json:"scimType,omitempty"`
	MessageID string   `json:"messageId,omitempty"`
	RequestID string   `json:"requestId,omitempty"`
}

// Report prints the final error on stderr: one line, and each hint on a line
// of its own. A broken pipe is not reported: whoever reads has seen enough.
func Report(s *iostreams.Streams, err error, asJSON bool) {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return
	}
	var buf bytes.Buffer
	if asJSON {
		e := errorJSON{Code: ExitCode(err), Message: err.Error(), Hints: Hints(err)}
		for _, c := range Codes() {
			if c.Code == e.Code {
				e.Kind = c.Word
			}
		}
		var se *scim.Error
		if errors.As(err, &se) {
			e.Status, e.ScimType, e.MessageID, e.RequestID = se.Status, se.ScimType, se.MessageID, se.RequestID
		}
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if jerr := enc.Encode(map[string]errorJSON{"error": e}); jerr != nil {
			asJSON = false
			buf.Reset()
		}
	}
	if !asJSON {
		paint := func(code, text string) string {
			if !s.ErrColour {
				return text
			}
			return "\x1b[" + code + "m" + text + "\x1b[0m"
		}
		if s.InTerminal && s.ErrTerminal && ExitCode(err) == ExitInterrupted {
			buf.WriteByte('\n') // the terminal shows ^C, and leaves the cursor behind it
		}
		fmt.Fprintf(&buf, "%s %s\n", paint("31", "error:"), iostreams.Clean(err.Error()))
		for _, h := range Hints(err) {
			fmt.Fprintf(&buf, "%s %s\n", paint("2", "hint:"), iostreams.Clean(h))
		}
	}
	var p *PanicError
	if errors.As(err, &p) {
		buf.Write(p.Stack)
	}
	// When stderr itself cannot be written there is nobody left to tell; the
	// exit code still speaks.
	_, _ = s.ErrOut.Write(buf.Bytes())
}
