package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// BulkOptions go with a bulk request.
type BulkOptions struct {
	// RetryToken makes the request safe to repeat where the server honours
	// opc-retry-token.
	RetryToken string
	// FailOnErrors ends the request after as many errors; 0 leaves it out.
	FailOnErrors int
	// Endpoint is the bulk endpoint below the base path; empty means "/Bulk".
	Endpoint string
}

// Bulk sends operations in one request (RFC 7644 section 3.7) and answers one
// result per operation, in their order. An error means that the whole request
// failed and nothing is known of the single operations. A result whose
// operation the answer does not mention has an Err that is ErrUnsettled.
// POST operations without a bulkId get one.
func (c *Client) Bulk(ctx context.Context, ops []BulkOperation, opts BulkOptions) ([]BulkResult, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	body, sent, err := BulkBody(ops, opts.FailOnErrors)
	if err != nil {
		return nil, err
	}
	endpoint := opts.Endpoint
	if endpoint == "" {
		endpoint = "/Bulk"
	}
	req := &Request{
		Method: http.MethodPost, Path: c.opts.BasePath + endpoint,
		Body: body, RetryToken: opts.RetryToken, Direct: true,
		// Answers hold the resources, which are somewhat larger than what was
		// sent: memory that grows to their size would be taken several times.
		Buffer: make([]byte, 0, pieces(2*len(body))),
	}
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	results, err := ParseBulk(sent, resp.Body, resp.RequestID)
	if err != nil {
		return nil, badResponse(req, resp, err)
	}
	return results, nil
}

// BulkBody is the body of a bulk request, and the operations as they stand in
// it, with bulkIds. Two operations with one bulkId are refused.
func BulkBody(ops []BulkOperation, failOnErrors int) ([]byte, []BulkOperation, error) {
	sent := append([]BulkOperation(nil), ops...)
	used := make(map[string]int, len(ops))
	for i, op := range sent {
		if op.BulkID == "" {
			continue
		}
		if j, dup := used[op.BulkID]; dup {
			return nil, nil, fmt.Errorf("bulk: %w: operations %d and %d have the same bulkId", ErrInvalid, j+1, i+1)
		}
		used[op.BulkID] = i
	}
	for i := range sent {
		op := &sent[i]
		op.Method = strings.ToUpper(op.Method)
		switch op.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		default:
			return nil, nil, fmt.Errorf("bulk operation %d: %w: method %q", i+1, ErrInvalid, op.Method)
		}
		if !strings.HasPrefix(op.Path, "/") {
			return nil, nil, fmt.Errorf("bulk operation %d: %w: path must begin with a slash", i+1, ErrInvalid)
		}
		if op.BulkID == "" && op.Method == http.MethodPost {
			id := "op-" + strconv.Itoa(i+1)
			for n := 0; ; n++ {
				if _, taken := used[id]; !taken {
					break
				}
				id = "op-" + strconv.Itoa(i+1) + "-" + strconv.Itoa(n)
			}
			used[id] = i
			op.BulkID = id
		}
	}
	data, err := encodeBulk(sent, max(failOnErrors, 0))
	if err != nil {
		return nil, nil, fmt.Errorf("bulk: encode: %w", err)
	}
	return data, sent, nil
}

// encodeBulk puts the operations' data into the body as they are, where their
// brackets and quotes pair. What does not look like JSON encoding/json refuses.
func encodeBulk(ops []BulkOperation, failOnErrors int) ([]byte, error) {
	size := bulkEnvelope
	for i := range ops {
		size += len(ops[i].Data) + bulkEnvelope
	}
	out := append(make([]byte, 0, pieces(size)), `{"schemas":["`+BulkRequestURN+`"],`...)
	if failOnErrors > 0 {
		out = append(strconv.AppendInt(append(out, `"failOnErrors":`...), int64(failOnErrors), 10), ',')
	}
	out = append(out, `"Operations":[`...)
	for i := range ops {
		if i > 0 {
			out = append(out, ',')
		}
		head := ops[i]
		head.Data = nil
		text, err := json.Marshal(head)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
		data := ops[i].Data
		if len(data) == 0 {
			continue
		}
		if s := (scanner{text: data}); !s.skip() || s.next() != 0 {
			if data, err = json.Marshal(data); err != nil {
				return nil, fmt.Errorf("data of operation %d: %w", i+1, err)
			}
		}
		out = append(append(append(out[:len(out)-1], `,"data":`...), data...), '}')
	}
	return append(out, `]}`...), nil
}

// pieces rounds a size up. Of a series of bulk calls each takes the memory that
// one before it has left, which it could not if each were a little larger.
func pieces(size int) int {
	const piece = 64 << 10
	return (size + piece) / piece * piece
}

// wireStatus reads "201", 201 and the object {"code":"201"} of early drafts.
type wireStatus int

func (s *wireStatus) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var x struct {
			Code Int `json:"code"`
		}
		err := json.Unmarshal(b, &x)
		*s = wireStatus(x.Code)
		return err
	}
	var n Int
	err := n.UnmarshalJSON(b)
	*s = wireStatus(n)
	return err
}

type wireResult struct {
	Method   string          `json:"method"`
	Location string          `json:"location"`
	BulkID   string          `json:"bulkId"`
	Version  string          `json:"version"`
	Status   wireStatus      `json:"status"`
	Response json.RawMessage `json:"response"`
}

// ParseBulk reads a bulk answer against the operations that were sent.
// Results find their operation by bulkId; those without one, which some
// servers leave out, by order, if what is left over matches one to one.
func ParseBulk(sent []BulkOperation, body []byte, requestID string) ([]BulkResult, error) {
	operations, ok := scanBulk(body)
	if !ok {
		var answer struct {
			Operations *[]wireResult `json:"Operations"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, err
		}
		if answer.Operations == nil {
			return nil, errors.New("no operations in a bulk answer")
		}
		operations = *answer.Operations
	}
	out := make([]BulkResult, len(sent))
	open := make(map[string]int, len(sent))
	for i, op := range sent {
		out[i] = BulkResult{Method: op.Method, BulkID: op.BulkID, Err: fmt.Errorf("%s %s: %w", op.Method, op.Path, ErrUnsettled)}
		if op.BulkID != "" {
			open[op.BulkID] = i
		}
	}
	settled := make([]bool, len(sent))
	var loose []wireResult
	for _, r := range operations {
		i, ok := open[r.BulkID]
		if r.BulkID == "" || !ok {
			loose = append(loose, r)
			continue
		}
		delete(open, r.BulkID)
		settled[i] = true
		out[i] = result(sent[i], r, requestID)
	}
	var left []int
	for i := range sent {
		if !settled[i] {
			left = append(left, i)
		}
	}
	if pairs(sent, left, loose) {
		for n, i := range left {
			out[i] = result(sent[i], loose[n], requestID)
		}
	}
	return out, nil
}

// pairs says whether results without a bulkId of ours can be told apart by
// order: one for each operation left, of the same method where they name one.
func pairs(sent []BulkOperation, left []int, loose []wireResult) bool {
	if len(left) != len(loose) {
		return false
	}
	for n, i := range left {
		if m := loose[n].Method; m != "" && !strings.EqualFold(m, sent[i].Method) {
			return false
		}
		if id := loose[n].BulkID; id != "" && sent[i].BulkID != "" && id != sent[i].BulkID {
			return false
		}
	}
	return true
}

func result(op BulkOperation, r wireResult, requestID string) BulkResult {
	out := BulkResult{
		Method: op.Method, Location: r.Location, BulkID: op.BulkID, Version: r.Version,
		Status: int(r.Status), Response: r.Response,
	}
	if out.Status == 0 {
		out.Err = fmt.Errorf("%s %s: %w", op.Method, op.Path, ErrUnsettled)
	} else if out.Status < 200 || out.Status > 299 {
		out.Err = ParseError(op.Method, op.Path, out.Status, requestID, r.Response)
	}
	return out
}

// bulkReference is compiled when first needed: every program would wait for it.
var bulkReference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`bulkId:([A-Za-z0-9._~-]+)`) })

// bulkEnvelope bounds the bytes of a bulk body around its operations.
const bulkEnvelope = 160

// SplitBulk cuts operations into requests of at most maxOps operations and
// maxBytes bytes of JSON; 0 means no bound. Order is kept, and operations that
// refer to each other by bulkId stay in one request. ErrTooLarge when an
// operation, or a group that belongs together, fits no request.
func SplitBulk(ops []BulkOperation, maxOps, maxBytes int) ([][]BulkOperation, error) {
	sizes := make([]int, len(ops))
	for i, op := range ops {
		data, err := json.Marshal(op)
		if err != nil {
			return nil, fmt.Errorf("bulk operation %d: encode: %w", i+1, err)
		}
		// A comma, and the bulkId that Bulk may add.
		sizes[i] = len(data) + 1 + len(`"bulkId":"op-000000-000",`)
		if maxBytes > 0 && sizes[i]+bulkEnvelope > maxBytes {
			return nil, fmt.Errorf("bulk operation %d (%s %s): %w: %d bytes, at most %d fit",
				i+1, op.Method, op.Path, ErrTooLarge, len(data), maxBytes-bulkEnvelope)
		}
	}
	mayCut := cuts(ops)
	var out [][]BulkOperation
	for start := 0; start < len(ops); {
		end, bytes := start, bulkEnvelope
		for end < len(ops) && (maxOps <= 0 || end-start < maxOps) && (maxBytes <= 0 || bytes+sizes[end] <= maxBytes) {
			bytes += sizes[end]
			end++
		}
		cut := end
		for cut > start && !mayCut[cut] {
			cut--
		}
		if cut == start {
			return nil, fmt.Errorf("bulk operation %d (%s %s): %w: it and those it refers to by bulkId fit no request",
				start+1, ops[start].Method, ops[start].Path, ErrTooLarge)
		}
		out = append(out, ops[start:cut:cut])
		start = cut
	}
	return out, nil
}

// cuts says for each index whether a request may end before it: no reference
// by bulkId crosses it.
func cuts(ops []BulkOperation) []bool {
	at := make(map[string]int, len(ops))
	for i, op := range ops {
		if op.BulkID != "" {
			at[op.BulkID] = i
		}
	}
	blocked := make([]int, len(ops)+2)
	for i, op := range ops {
		text := op.Path + " " + string(op.Data)
		if !strings.Contains(text, "bulkId:") {
			continue
		}
		for _, m := range bulkReference().FindAllStringSubmatch(text, -1) {
			j, ok := at[m[1]]
			if !ok || j == i {
				continue
			}
			blocked[min(i, j)+1]++
			blocked[max(i, j)+1]--
		}
	}
	out := make([]bool, len(ops)+1)
	sum := 0
	for i := range out {
		sum += blocked[i]
		out[i] = sum == 0
	}
	return out
}
