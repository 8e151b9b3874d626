package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/scim/jsonscan"
)

// RawDocument is a resource as the text that the server sent.
type RawDocument struct {
	body  []byte // of the page
	place jsonscan.Span
	cells []jsonscan.Span
	doc   Document
}

// Picked says whether Member answers. It does not for a document that has to be
// decoded to know: where a member comes twice, for instance.
func (r RawDocument) Picked() bool { return r.cells != nil }

// Member is the text of the member at the path with number i, nil if there is
// none.
func (r RawDocument) Member(i int) []byte { return r.cells[i].Of(r.body) }

// NewRawDocument is a document that was decoded already.
func NewRawDocument(d Document) RawDocument { return RawDocument{doc: d} }

// JSON is the text: what the server sent, or what is written of a document
// that had to be decoded.
func (r RawDocument) JSON() ([]byte, error) {
	if r.body != nil {
		return r.place.Of(r.body), nil
	}
	return json.Marshal(r.doc)
}

// Decode reads the whole document.
func (r RawDocument) Decode() (Document, error) {
	if r.doc != nil {
		return r.doc, nil
	}
	var d Document
	if err := d.UnmarshalJSON(r.place.Of(r.body)); err != nil {
		return nil, err
	}
	return d, nil
}

// RawPage is a page of a list: the resources that are new, in the order in
// which they came. Total is totalResults, or -1 when the server sent none.
type RawPage struct {
	Rows  []RawDocument
	Total int
}

// AllRaw is All without decoding: it yields the pages of a list as text, and
// picks the members at paths out of each resource, names compared without
// regard to case. It promises what All promises, and the texts mean what All
// would yield; only that a resource with bytes that are not UTF-8 is written
// anew, with U+FFFD in their place.
//
// While a page is in use the next ones are fetched, four at most, so that a
// caller that stops early has made calls in vain. A page and its texts are
// valid until the next one is asked for. The last pair holds the error that
// ended the list, if any; rows that came before it are in the page before.
func (s *Service[T]) AllRaw(ctx context.Context, opts ListOptions, paths ...[]string) iter.Seq2[*RawPage, error] {
	return func(yield func(*RawPage, error) bool) {
		w := newWalker(opts, s.client.opts)
		defer w.close()
		pages := newAhead(s.fetchRaw, func() *rawReader { return newRawReader(paths) })
		defer pages.stop()
		for !w.done {
			answer := pages.get(ctx, w.opts, w.saw)
			err := answer.err
			if err != nil {
				yield(nil, s.listError(err))
				return
			}
			w.begin()
			page := &RawPage{}
			head, err := answer.choose(w, page)
			if err != nil {
				err = badResponse(answer.req, answer.resp, err)
			} else {
				err = w.end(head)
			}
			if err == nil && !w.done {
				pages.prepare(ctx, w.opts, head)
			}
			if len(page.Rows) > 0 && !yield(page, nil) {
				return
			}
			if err != nil {
				yield(nil, s.listError(err))
				return
			}
		}
	}
}

func (s *Service[T]) fetchRaw(ctx context.Context, opts ListOptions, memory []byte) *rawAnswer {
	a := &rawAnswer{opts: opts}
	if a.req, a.err = s.listRequest(opts, nil); a.err == nil {
		a.req.Direct, a.req.Buffer = true, memory
		a.resp, a.err = s.client.send(ctx, a.req)
	}
	return a
}

// rawAnswer is the answer to a request for one page, or the error.
type rawAnswer struct {
	opts  ListOptions
	req   *Request
	resp  *Response
	err   error
	head  listHead
	plain bool // rows and head are what scanning found; else decoding is needed
	rows  []RawDocument
	cells []jsonscan.Span
	used  int // of cells
}

// memory is that of the body.
func (a *rawAnswer) memory() []byte {
	if a.resp == nil {
		return nil
	}
	return a.resp.Body[:0]
}

// rawReader scans pages, one after the other. What it cannot read is left to
// encoding/json.
type rawReader struct {
	picker *jsonscan.Picker
	width  int // members of a row, the id included
}

func newRawReader(paths [][]string) *rawReader {
	return &rawReader{picker: jsonscan.NewPicker(append([][]string{{"id"}}, paths...)...), width: len(paths) + 1}
}

// read scans a page.
func (r *rawReader) read(a *rawAnswer) {
	if a.err == nil {
		a.rows, a.used = a.rows[:0], 0
		a.head, a.plain = r.scan(a)
	}
}

// choose puts into page what w takes of an answer. With an error, it is the
// rows before it.
func (a *rawAnswer) choose(w *walker, page *RawPage) (listHead, error) {
	if a.plain {
		err := a.chooseRows(w)
		page.Rows, page.Total = a.rows, a.head.total
		return a.head, err
	}
	a.rows = a.rows[:0]
	head, err := decodeList(bytes.NewReader(a.resp.Body), func(d row[Document]) bool {
		if w.take(rowKey(d.value, nil)) {
			a.rows = append(a.rows, NewRawDocument(d.value))
		}
		return true
	})
	page.Rows, page.Total = a.rows, head.total
	return head, err
}

// scan finds the rows of a page. It answers false for every text that is not a
// list as they usually are, and for every text that is not JSON.
func (r *rawReader) scan(a *rawAnswer) (head listHead, ok bool) {
	body := a.resp.Body
	head.total = -1
	i := jsonscan.Space(body, 0)
	if i >= len(body) || body[i] != '{' {
		return head, false
	}
	isList := false
	more := false
	i++
	for first := true; ; first = false {
		if i, more = jsonscan.Next(body, i, first, '}'); !more {
			break
		}
		name, start, ok := jsonscan.Name(body, i)
		if !ok {
			return head, false
		}
		var n *int
		switch {
		case isName(name, "resources"):
			isList = true
			if i = r.list(a, start); i < 0 {
				return head, false
			}
			continue
		case isName(name, "totalresults"):
			n, isList = &head.total, true
		case isName(name, "startindex"):
			n = &head.start
		case isName(name, "itemsperpage"):
			n = &head.perPage
		}
		if i, _ = r.picker.Value(body, start); i < 0 {
			return head, false
		}
		if n != nil {
			v := Int(*n)
			if json.Unmarshal(body[start:i], &v) != nil {
				return head, false
			}
			*n = int(v)
		}
	}
	if i < 0 || jsonscan.Space(body, i+1) != len(body) || !isList {
		return head, false
	}
	head.rows = len(a.rows)
	return head, true
}

// isName compares names without regard to case. The lengths are compared too,
// since other alphabets have letters that fold to ours.
func isName(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// list finds the rows and answers the index behind them, or -1.
func (r *rawReader) list(a *rawAnswer, i int) int {
	body := a.resp.Body
	if bytes.HasPrefix(body[i:], []byte("null")) {
		return i + len("null")
	}
	if i >= len(body) || body[i] != '[' {
		return -1
	}
	more := false
	i++
	for first := true; ; first = false {
		if i, more = jsonscan.Next(body, i, first, ']'); !more {
			break
		}
		cells := a.room(r.width)
		end, odd := r.picker.Pick(body, i, cells)
		if end < 0 {
			return -1
		}
		row := RawDocument{body: body, place: jsonscan.Span{Start: i, End: end}, cells: cells}
		if odd {
			row.cells = nil
		}
		a.rows = append(a.rows, row)
		i = end
	}
	if i < 0 {
		return -1
	}
	return i + 1
}

// room is a place for what is picked of a row. The places of a page come out
// of few allocations, which a later page uses again.
func (a *rawAnswer) room(width int) []jsonscan.Span {
	if a.used+width > len(a.cells) {
		// Rows before this one keep the old places.
		const least, most = 16, 1000 // rows
		a.cells = make([]jsonscan.Span, min(max(2*len(a.rows), a.opts.Count, least), most)*width)
		a.used = 0
	}
	a.used += width
	return a.cells[a.used-width : a.used : a.used]
}

// chooseRows leaves of the rows what w takes.
func (a *rawAnswer) chooseRows(w *walker) error {
	kept := a.rows[:0]
	for _, row := range a.rows {
		var key [16]byte
		var hasID bool
		var rest json.RawMessage
		if id, plain := row.plainID(); plain {
			key, hasID = idKey(id), true
		} else {
			doc, err := row.Decode()
			if err != nil { // the scanner let pass what is not JSON
				a.rows = kept
				return err
			}
			key, hasID, rest = rowKey(doc, nil)
			if row.cells == nil {
				row.doc = doc
				if !utf8.Valid(row.place.Of(row.body)) {
					row.body = nil // it is written anew
				}
			}
		}
		if !w.take(key, hasID, rest) {
			continue
		}
		if row.cells != nil {
			row.cells = row.cells[1:]
		}
		kept = append(kept, row)
	}
	a.rows = kept
	return nil
}

// plainID is the id, where it is a string without escapes.
func (r *RawDocument) plainID() ([]byte, bool) {
	if r.cells == nil {
		return nil, false
	}
	id, ok := jsonscan.Plain(r.cells[0].Of(r.body))
	return id, ok && len(id) > 0
}
