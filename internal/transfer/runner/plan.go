package runner

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// Step is one row of a plan: what would be done and to what. Values of secret
// attributes are never in it.
type Step struct {
	Row  int    `json:"row"`
	Line int    `json:"line"`
	Key  string `json:"key"`
	// Op is create, update, unchanged, skipped or rejected.
	Op string `json:"op"`
	ID string `json:"id,omitempty"`
	// Changes are the operations of an update, or what a create sets.
	Changes []scim.PatchOp `json:"changes,omitempty"`
	// Digest covers the operation, its target and what is there before; it is
	// empty where nothing would be sent.
	Digest string `json:"digest,omitempty"`
	// Later says that references to rows further down follow in a second call.
	Later bool `json:"later,omitempty"`
	// Code and Reason say why a row is rejected or skipped.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Secret attributes, by the last part of their path, in lower case.
var secretAttributes = []string{"password"}

// IsSecret says whether the attribute at a path must not be shown.
func IsSecret(path string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc(secretAttributes, func(s string) bool {
		return path == s || strings.HasSuffix(path, ":"+s) || strings.HasSuffix(path, "."+s)
	})
}

// masked copies operations without the values of secrets.
func masked(ops []scim.PatchOp) []scim.PatchOp {
	out := slices.Clone(ops)
	for i := range out {
		if IsSecret(out[i].Path) {
			out[i].Value = "[redacted]"
		}
	}
	return out
}

// createOps shows a create as what it sets, in a stable order.
func createOps(doc scim.Document) []scim.PatchOp {
	var ops []scim.PatchOp
	for name, value := range doc {
		if name != "schemas" {
			ops = append(ops, scim.PatchOp{Op: "add", Path: name, Value: value})
		}
	}
	slices.SortFunc(ops, func(a, b scim.PatchOp) int { return strings.Compare(a.Path, b.Path) })
	return masked(ops)
}

// asWritten resolves every reference to the key it is written with. A create
// is shown and compared so: which of its references exist already when it is
// sent depends on the order of sending, not on the plan.
func asWritten(ref transfer.Ref) (string, bool) { return ref.Key, true }

// stepDigest names an operation: the same operation on the same target that
// looks the same where the operation touches it. Secrets take part only by
// their path, so a plan tells nothing of them.
func stepDigest(op, key, id string, changes []scim.PatchOp, before scim.Document) (string, error) {
	type touched struct {
		Path   string
		Before any
	}
	var old []touched
	for _, c := range changes {
		if before == nil || c.Path == "" {
			continue
		}
		// The part of the document in front of a value filter is what the
		// operation can change.
		attr, _, _ := strings.Cut(c.Path, "[")
		value, _ := before.Get(attr)
		old = append(old, touched{attr, value})
	}
	data, err := json.Marshal([]any{op, key, id, masked(changes), old})
	if err != nil {
		return "", fmt.Errorf("digest of a step: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), nil
}

// planHeader is the first line of a plan file.
type planHeader struct {
	Magic      string           `json:"idctl"`
	Version    int              `json:"version"`
	Identity   journal.Identity `json:"identity"`
	OnExisting Existing         `json:"on_existing"`
	// Path is where the source was; apply reads it again.
	Path string `json:"path"`
	// Flags are the mapping flags as given, for the one who applies it.
	Flags json.RawMessage `json:"flags,omitempty"`
}

// planEnd is the last line: a plan without it was cut off.
type planEnd struct {
	End    bool   `json:"end"`
	Counts Counts `json:"counts"`
}

// Plan is a plan read back: what it was made for, and the operation of each
// row that had one.
type Plan struct {
	Identity   journal.Identity
	OnExisting Existing
	Path       string
	Flags      json.RawMessage
	Counts     Counts
	steps      map[int]planStep
}

// planStep is what the guard needs of a row.
type planStep struct {
	digest string
	later  bool
}

const (
	planMagic   = "plan"
	planVersion = 1
)

// PlanWriter writes a plan as JSON lines.
type PlanWriter struct{ enc *json.Encoder }

// NewPlanWriter begins a plan file. Path is the source's own path, flags the
// mapping options as JSON.
func NewPlanWriter(w io.Writer, id journal.Identity, existing Existing, path string, flags json.RawMessage) (*PlanWriter, error) {
	p := &PlanWriter{enc: json.NewEncoder(w)}
	p.enc.SetEscapeHTML(false)
	head := planHeader{Magic: planMagic, Version: planVersion, Identity: id, OnExisting: existing, Path: path, Flags: flags}
	if err := p.enc.Encode(head); err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	return p, nil
}

// Step adds a row.
func (p *PlanWriter) Step(s *Step) error {
	if err := p.enc.Encode(s); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// End closes the plan.
func (p *PlanWriter) End(c Counts) error {
	if err := p.enc.Encode(planEnd{End: true, Counts: c}); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// ReadPlan reads a plan file whole. A plan that was cut off, or is none,
// answers ErrPlan.
func ReadPlan(r io.Reader) (*Plan, error) {
	br := bufio.NewReader(r)
	dec := json.NewDecoder(br)
	var head planHeader
	if err := dec.Decode(&head); err != nil || head.Magic != planMagic {
		return nil, fmt.Errorf("%w: this is not a plan of idctl", ErrPlan)
	}
	if head.Version != planVersion {
		return nil, fmt.Errorf("%w: its version is %d, this program knows %d", ErrPlan, head.Version, planVersion)
	}
	plan := &Plan{
		Identity: head.Identity, OnExisting: head.OnExisting, Path: head.Path, Flags: head.Flags, steps: map[int]planStep{},
	}
	for {
		var l struct {
			Step
			planEnd
		}
		err := dec.Decode(&l)
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: it ends in the middle; make it again", ErrPlan)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrPlan, err)
		case l.End:
			plan.Counts = l.Counts
			plan.Counts.Total = l.Counts.Rows
			return plan, nil
		case l.Digest != "":
			plan.steps[l.Row] = planStep{l.Digest, l.Later}
		}
	}
}

// Fits answers ErrPlan, naming what differs, unless the plan was made for this
// profile, file and mapping.
func (p *Plan) Fits(id journal.Identity, existing Existing) error {
	what := p.Identity.Differs(id)
	if what == "" && p.OnExisting != existing {
		what = "answer to existing resources"
	}
	if what != "" {
		return fmt.Errorf("%w: the %s is not the one it was made for; make the plan again", ErrPlan, what)
	}
	return nil
}
