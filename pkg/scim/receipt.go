package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
)

// Receipt is what a writer of many resources needs of an answer: which
// resource it is and which version it has now.
type Receipt struct {
	ID, Version string
}

// errNotObject is an answer that is no JSON object.
var errNotObject = errors.New("not a JSON object")

// ReadReceipt reads id and meta.version of a resource without decoding the
// rest of it, and no further than where it has both. What is unusual before
// that, such as a name in another case, an escaped one or a value that is no
// string, it decodes as Document does, with the same result.
func ReadReceipt(body []byte) (Receipt, error) {
	if r, ok := scanReceipt(body); ok {
		return r, nil
	}
	var d Document
	if err := json.Unmarshal(body, &d); err != nil {
		return Receipt{}, err
	}
	if d == nil {
		return Receipt{}, errNotObject
	}
	return Receipt{ID: d.ID(), Version: d.Version()}, nil
}

// scanReceipt walks over the members of an object, and of its meta. It answers
// false where a decoder has to look.
func scanReceipt(body []byte) (r Receipt, ok bool) {
	s := scanner{text: body}
	if s.next() != '{' {
		return r, false
	}
	var hasID, hasVersion bool
	whole := s.members(func(name []byte) bool {
		switch {
		case len(name) == 2 && bytes.EqualFold(name, []byte("id")):
			if hasID || string(name) != "id" {
				return false // a decoder knows which one counts
			}
			hasID = s.plainString(&r.ID)
			return hasID && !hasVersion
		case len(name) == 4 && bytes.EqualFold(name, []byte("meta")):
			if hasVersion || string(name) != "meta" || !s.meta(&r.Version, &hasVersion) {
				hasVersion = false
				return false
			}
			return !hasID || !hasVersion
		case foldsBeyond(name):
			return false
		}
		return s.skip()
	})
	return r, hasID && hasVersion || whole && s.next() == 0
}

// foldsBeyond says that a name holds bytes outside ASCII, some of which are
// equal to ASCII letters when case does not count.
func foldsBeyond(name []byte) bool {
	for _, c := range name {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// scanner steps through JSON text without checking more of it than it needs.
type scanner struct {
	text []byte
	pos  int
}

// next is the first byte that is no blank, taken; 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		s.pos++
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// members calls f at the value of each member of an object whose brace was
// taken. It stops when f answers false.
func (s *scanner) members(f func(name []byte) bool) bool {
	switch s.next() {
	case '}':
		return true
	case '"':
	default:
		return false
	}
	for {
		name, ok := s.str()
		if !ok || s.next() != ':' || !f(name) {
			return false
		}
		switch s.next() {
		case '}':
			return true
		case ',':
			if s.next() != '"' {
				return false
			}
		default:
			return false
		}
	}
}

// str is the text of a string whose opening quote was taken. One with an
// escape or a control character is for a decoder.
func (s *scanner) str() ([]byte, bool) {
	n := bytes.IndexByte(s.text[s.pos:], '"')
	if n < 0 {
		return nil, false
	}
	text := s.text[s.pos : s.pos+n]
	if bytes.IndexByte(text, '\\') >= 0 {
		return nil, false
	}
	s.pos += n + 1
	return text, true
}

// plainString reads a string value that needs no decoding.
func (s *scanner) plainString(into *string) bool {
	if s.next() != '"' {
		return false
	}
	text, ok := s.str()
	if !ok {
		return false
	}
	for _, c := range text {
		if c < ' ' || c >= 0x80 {
			return false
		}
	}
	*into = string(text)
	return true
}

// entityTag reads a string value and takes the escapes of a quote out of it,
// which entity tags have around them.
func (s *scanner) entityTag(into *string) bool {
	if s.next() != '"' {
		return false
	}
	start := s.pos
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			*into = strings.ReplaceAll(string(s.text[start:s.pos]), `\"`, `"`)
			s.pos++
			return true
		case c == '\\':
			if s.pos+1 >= len(s.text) || s.text[s.pos+1] != '"' {
				return false
			}
			s.pos += 2
		case c < ' ' || c >= 0x80:
			return false
		default:
			s.pos++
		}
	}
	return false
}

func (s *scanner) meta(version *string, found *bool) bool {
	if s.next() != '{' {
		return false
	}
	return s.members(func(name []byte) bool {
		if len(name) == len("version") && bytes.EqualFold(name, []byte("version")) {
			if *found || string(name) != "version" {
				return false
			}
			*found = s.entityTag(version)
			return *found
		}
		return !foldsBeyond(name) && s.skip()
	})
}

// skip passes over one value of any kind. Brackets must pair; what stands
// between them is not looked at.
func (s *scanner) skip() bool {
	c := s.next()
	switch c {
	case '"':
		return s.skipString()
	case '{', '[':
		return s.skipNested(c)
	case 0, '}', ']', ',', ':':
		return false
	}
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return true
		}
		s.pos++
	}
	return true
}

// skipString passes over a string whose opening quote was taken.
func (s *scanner) skipString() bool {
	for {
		n := bytes.IndexByte(s.text[s.pos:], '"')
		if n < 0 {
			return false
		}
		end := s.pos + n
		slashes := 0
		for i := end - 1; i >= s.pos && s.text[i] == '\\'; i-- {
			slashes++
		}
		s.pos = end + 1
		if slashes%2 == 0 {
			return true
		}
	}
}

// maxNesting is how deep brackets are followed; encoding/json has its own limit
// far beyond.
const maxNesting = 64

func (s *scanner) skipNested(open byte) bool {
	var stack [maxNesting]byte
	stack[0] = open
	depth := 1
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		s.pos++
		switch c {
		case '"':
			if !s.skipString() {
				return false
			}
		case '{', '[':
			if depth == maxNesting {
				return false
			}
			stack[depth] = c
			depth++
		case '}', ']':
			depth--
			if stack[depth] != c-2 { // '{' and '}', '[' and ']' are two apart
				return false
			}
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// CreateReceipt makes a resource of a body that the caller encoded whole, its
// schemas included, and reads of the answer no more than a Receipt. It is
// Create otherwise: the Receipt is zero where the server answers no body.
func (s *Service[T]) CreateReceipt(ctx context.Context, body []byte, opts WriteOptions) (Receipt, error) {
	req, err := s.request(Create, http.MethodPost, "")
	if err != nil {
		return Receipt{}, err
	}
	req.Body = body
	s.options(req, opts)
	return s.receipt(ctx, req)
}

// PatchReceipt is Patch, but reads of the answer no more than a Receipt.
func (s *Service[T]) PatchReceipt(ctx context.Context, id string, ops []PatchOp, opts WriteOptions) (Receipt, error) {
	req, err := s.patchRequest(id, ops, opts)
	if err != nil {
		return Receipt{}, err
	}
	return s.receipt(ctx, req)
}

// answers is memory for answers of which no part is kept.
var answers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxKept bounds the memory that goes back into the pool.
const maxKept = 1 << 20

func (s *Service[T]) receipt(ctx context.Context, req *Request) (Receipt, error) {
	memory, _ := answers.Get().(*[]byte)
	req.Direct, req.Buffer = true, *memory
	resp, err := s.client.send(ctx, req)
	if err != nil {
		return Receipt{}, err // after a cut connection somebody may still write into the memory
	}
	if len(bytes.TrimSpace(resp.Body)) == 0 {
		return Receipt{}, nil
	}
	r, err := ReadReceipt(resp.Body)
	if err != nil {
		return Receipt{}, badResponse(req, resp, err)
	}
	if cap(resp.Body) <= maxKept {
		*memory = resp.Body[:0]
		answers.Put(memory)
	}
	return r, nil
}
