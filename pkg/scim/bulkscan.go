package scim

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// scanBulk reads a bulk answer without decoding what the resources in it hold.
// It answers false for whatever is unusual: then a decoder has to look.
func scanBulk(body []byte) (out []wireResult, ok bool) {
	s := scanner{text: body}
	if s.next() != '{' {
		return nil, false
	}
	found := false
	ok = s.members(func(name []byte) bool {
		if !bytes.EqualFold(name, []byte("Operations")) {
			return !foldsBeyond(name) && s.skip()
		}
		if found || string(name) != "Operations" || s.next() != '[' {
			return false
		}
		found = true
		return s.elements(func() bool {
			out = append(out, wireResult{})
			return s.bulkResult(&out[len(out)-1])
		})
	})
	return out, ok && found && s.next() == 0
}

// elements calls f at each element of an array whose bracket was taken.
func (s *scanner) elements(f func() bool) bool {
	if s.next() == ']' {
		return true
	}
	for s.pos--; ; {
		if !f() {
			return false
		}
		switch s.next() {
		case ']':
			return true
		case ',':
		default:
			return false
		}
	}
}

func (s *scanner) bulkResult(r *wireResult) bool {
	if s.next() != '{' {
		return false
	}
	return s.members(func(name []byte) bool {
		switch string(name) {
		case "method":
			return s.plainString(&r.Method)
		case "location":
			return s.plainString(&r.Location)
		case "bulkId":
			return s.plainString(&r.BulkID)
		case "version":
			return s.entityTag(&r.Version)
		case "status":
			var text string
			if !s.plainString(&text) {
				return false
			}
			n, err := strconv.Atoi(text)
			r.Status = wireStatus(n)
			return err == nil
		case "response":
			raw, ok := s.raw()
			r.Response = raw
			return ok
		}
		// Any other member that encoding/json would take for one of these.
		for _, known := range []string{"method", "location", "bulkId", "version", "status", "response"} {
			if len(name) == len(known) && bytes.EqualFold(name, []byte(known)) {
				return false
			}
		}
		return !foldsBeyond(name) && s.skip()
	})
}

// raw is the text of an object or array, anything else is for a decoder.
func (s *scanner) raw() (json.RawMessage, bool) {
	c := s.next()
	if c != '{' && c != '[' {
		return nil, false
	}
	start := s.pos - 1
	if !s.skipNested(c) {
		return nil, false
	}
	return json.RawMessage(s.text[start:s.pos:s.pos]), true
}
