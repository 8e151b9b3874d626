package emulator

import (
	"bytes"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// encode writes a value as JSON and a line feed.
func encode(b *bytes.Buffer, v any) error {
	out, err := engine.AppendJSON(b.AvailableBuffer(), v)
	if err != nil {
		return err
	}
	b.Write(append(out, '\n'))
	return nil
}
