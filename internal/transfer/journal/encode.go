package journal

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/idctl/idctl/internal/jsonenc"
)

// encoded makes one line of a value that is written once in a run.
func encoded(v any) func([]byte) ([]byte, error) {
	return func(buf []byte) ([]byte, error) {
		data, err := json.Marshal(v)
		if err != nil {
			return buf, fmt.Errorf("journal entry: %w", err)
		}
		return appendLine(buf, func(buf []byte) []byte { return append(buf, data...) }), nil
	}
}

// appendLine appends "crc json\n".
func appendLine(buf []byte, entry func([]byte) []byte) []byte {
	start := len(buf)
	buf = entry(append(buf, "00000000 "...))
	sum := crc32.Checksum(buf[start+9:], castagnoli())
	const digits = "0123456789abcdef"
	for i := range 8 {
		buf[start+i] = digits[sum>>(28-4*i)&0xf]
	}
	return append(buf, '\n')
}

// object writes the members of an entry. A test holds every field of Intent and
// Outcome against encoding/json.
type object struct{ buf []byte }

func (o *object) label(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(append(append(o.buf, '"'), name...), `":`...)
}

func (o *object) number(name string, n int64) {
	o.label(name)
	o.buf = strconv.AppendInt(o.buf, n, 10)
}

func (o *object) text(name, s string) {
	o.label(name)
	o.buf = jsonenc.AppendString(o.buf, s)
}

// optText, optNumber and optFlag leave out what is empty.
func (o *object) optText(name, s string) {
	if s != "" {
		o.text(name, s)
	}
}

func (o *object) optNumber(name string, n int64) {
	if n != 0 {
		o.number(name, n)
	}
}

func (o *object) optFlag(name string, b bool) {
	if b {
		o.label(name)
		o.buf = append(o.buf, "true"...)
	}
}

// appendIntent writes an intent that has no before-image.
func appendIntent(buf []byte, in *Intent) []byte {
	o := object{append(buf, `{"i":{`...)}
	o.number("r", int64(in.Row))
	o.optNumber("p", int64(in.Phase))
	o.text("op", in.Op)
	o.text("rep", string(in.Repeat))
	o.optText("id", in.ID)
	o.optText("key", in.Key)
	return append(o.buf, "}}"...)
}

func appendOutcome(buf []byte, out *Outcome) []byte {
	o := object{append(buf, `{"d":{`...)}
	o.number("r", int64(out.Row))
	o.optNumber("p", int64(out.Phase))
	o.text("out", string(out.Result))
	o.optText("id", out.ID)
	o.optText("v", out.ETag)
	o.optNumber("s", int64(out.Status))
	o.optFlag("def", out.Deferred)
	o.optFlag("tr", out.Transient)
	o.optText("code", out.Code)
	o.optText("why", out.Reason)
	return append(o.buf, "}}"...)
}
