package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// SeedDocument is one resource to create. Other documents may refer to it as
// "bulkId:<BulkID>", provided that they come later.
type SeedDocument struct {
	Type     string          `json:"type"`
	BulkID   string          `json:"bulkId,omitempty"`
	Document engine.Document `json:"document"`
}

// SeedRequest asks for documents, and for invented users and groups after
// them. The same Seed invents the same people.
type SeedRequest struct {
	Documents []SeedDocument `json:"documents"`
	Users     int            `json:"users"`
	Groups    int            `json:"groups"`
	Seed      uint64         `json:"seed"`
}

// SeedError is a document that was refused. Index counts from 0, the given
// documents first, then the invented ones.
type SeedError struct {
	Index  int    `json:"index"`
	Type   string `json:"type"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// SeedReport says what was created, by type, and what was not.
type SeedReport struct {
	Created map[string]int `json:"created"`
	IDs     []string       `json:"ids"` // in the order of the request, "" for a refused one
	Errors  []SeedError    `json:"errors"`
}

// maxSeed bounds how many people are invented at once.
const maxSeed = 1_000_000

// ErrSeed is what Seed answers when documents were refused.
var ErrSeed = errors.New("emulator: seed documents were refused")

// Seed creates documents one by one, each in its own transaction, as the
// administrator's client. The report is complete also when the error is
// ErrSeed; other errors end the work early.
func (s *Service) Seed(ctx context.Context, req SeedRequest) (SeedReport, error) {
	rep := SeedReport{Created: map[string]int{}, IDs: []string{}, Errors: []SeedError{}}
	if req.Users < 0 || req.Groups < 0 || req.Users > maxSeed || req.Groups > maxSeed {
		return rep, fmt.Errorf("emulator: seed 0 to %d users and groups", maxSeed)
	}
	c, err := s.oauth.FindClient(ctx, s.creds.ClientID)
	if err != nil {
		return rep, fmt.Errorf("emulator: seed: %w", err)
	}
	if err := s.keeper.plant(ctx, c.ID, c.AppID); err != nil {
		return rep, fmt.Errorf("emulator: seed: %w", err)
	}
	call := engine.Call{
		Actor:    engine.Actor{Type: "App", ID: c.AppID, Name: c.ID, Display: c.Name, Roles: c.Roles},
		ClientIP: "127.0.0.1", RequestID: randomHex(16),
	}
	ids := map[string]string{}
	n := 0
	create := func(d SeedDocument) error {
		index := n
		n++
		id, err := s.seedOne(ctx, call, d, ids)
		var refused *engine.Error
		switch {
		case errors.As(err, &refused) && refused.Status < 500:
			rep.Errors = append(rep.Errors, SeedError{index, d.Type, refused.Status, refused.Detail})
		case err != nil:
			return fmt.Errorf("emulator: seed document %d (%s): %w", index+1, d.Type, err)
		default:
			rep.Created[d.Type]++
		}
		rep.IDs = append(rep.IDs, id)
		return nil
	}
	for _, d := range req.Documents {
		if err := create(d); err != nil {
			return rep, err
		}
	}
	for d := range invent(req.Seed, req.Users, req.Groups) {
		if err := create(d); err != nil {
			return rep, err
		}
	}
	if len(rep.Errors) > 0 {
		e := rep.Errors[0]
		return rep, fmt.Errorf("%w: %d of %d, the first is document %d (%s): %s", ErrSeed, len(rep.Errors), n, e.Index+1, e.Type, e.Detail)
	}
	return rep, nil
}

func (s *Service) seedOne(ctx context.Context, call engine.Call, d SeedDocument, ids map[string]string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	rt, ok := s.catalog.Lookup(d.Type)
	if !ok {
		return "", refusal(http.StatusBadRequest, "invalidValue", msgUnknownType, "There is no resource type "+d.Type+".")
	}
	doc, _ := resolveReferences(d.Document, ids).(map[string]any)
	if doc == nil {
		return "", refusal(http.StatusBadRequest, "invalidValue", msgSyntax, "The document is missing.")
	}
	create := s.resources.Create
	if engine.Enrolled(rt.Name) {
		create = s.engine.Enrol
	}
	res, err := create(ctx, call, rt.Name, doc, engine.Params{Attributes: []string{"id"}})
	if err != nil {
		return "", err
	}
	id, _ := res.Doc["id"].(string)
	if d.BulkID != "" {
		ids[d.BulkID] = id
	}
	return id, nil
}

// controlSeed takes a SeedRequest, or a bare array of its documents.
func (s *Service) controlSeed(w http.ResponseWriter, r *http.Request) error {
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	raw, err := readAll(r)
	if err != nil {
		return err
	}
	req, err := ParseSeed(raw)
	if err != nil {
		return refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The seed does not fit: "+err.Error()+".")
	}
	rep, err := s.Seed(r.Context(), req)
	status := http.StatusOK
	if errors.Is(err, ErrSeed) {
		status = http.StatusBadRequest
	} else if err != nil {
		return err
	}
	writeBody(w, status, contentJSON, rep)
	return nil
}

// ParseSeed reads a seed file: a SeedRequest as JSON, or an array of its
// documents.
func ParseSeed(raw []byte) (SeedRequest, error) {
	var req SeedRequest
	v, err := parseJSON(raw)
	if err != nil {
		return req, err
	}
	if list, ok := v.([]any); ok {
		v = map[string]any{"documents": list}
	}
	top, ok := v.(map[string]any)
	if !ok {
		return req, errors.New("an object or an array is wanted")
	}
	for name, v := range top {
		switch name {
		case "documents":
			list, ok := v.([]any)
			if !ok {
				return req, errors.New("documents must be an array")
			}
			for i, e := range list {
				d, err := seedDocument(e)
				if err != nil {
					return req, fmt.Errorf("document %d: %w", i+1, err)
				}
				req.Documents = append(req.Documents, d)
			}
		case "users", "groups", "seed":
			num, _ := v.(json.Number)
			n, err := num.Int64()
			if err != nil || n < 0 {
				return req, fmt.Errorf("%s must be a positive integer", name)
			}
			switch name {
			case "users":
				req.Users = int(n)
			case "groups":
				req.Groups = int(n)
			default:
				req.Seed = uint64(n)
			}
		default:
			return req, fmt.Errorf("member %q is not known; there are documents, users, groups and seed", name)
		}
	}
	return req, nil
}

func seedDocument(e any) (SeedDocument, error) {
	var d SeedDocument
	m, ok := e.(map[string]any)
	if !ok {
		return d, errors.New("an object with type and document is wanted")
	}
	for name, v := range m {
		switch name {
		case "type":
			d.Type, ok = v.(string)
		case "bulkId":
			d.BulkID, ok = v.(string)
		case "document":
			d.Document, ok = v.(map[string]any)
		default:
			return d, fmt.Errorf("member %q is not known; there are type, bulkId and document", name)
		}
		if !ok {
			return d, fmt.Errorf("member %s has the wrong type", name)
		}
	}
	if d.Type == "" || d.Document == nil {
		return d, errors.New("type and document are needed")
	}
	return d, nil
}
