package emulator

import (
	"net/http"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// scimBulk is RFC 7644 section 3.7: status 200, rows with version and, where
// something failed, the error.
func (s *Service) scimBulk(w http.ResponseWriter, r *http.Request, who *caller) {
	if r.Method != http.MethodPost {
		s.answerError(w, r, wrongVerb(w, r.Method, http.MethodPost))
		return
	}
	if err := s.mayDo(r.Context(), who, bulkEndpoint, schema.VerbCreate, false); err != nil {
		s.answerError(w, r, err)
		return
	}
	doc, _, err := readDocument(r)
	if err == nil {
		err = needSchema(doc, urnBulkRequest)
	}
	var run *bulkRun
	if err == nil {
		run, err = s.readBulk(doc)
	}
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	run.who, run.plain = who, true
	if err := run.all(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	writeBody(w, http.StatusOK, contentSCIM, run.response())
}

// plainOperation completes an operation of a plain bulk.
func (b *bulkRun) plainOperation(op *bulkOp, o *operation, ids map[string]string) (*operation, error) {
	o.params.IfMatch = op.version
	o.params.Force = true
	switch {
	case o.verb == schema.VerbDelete:
		return o, nil
	case o.verb == schema.VerbCreate && op.bulkID == "":
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", "", "An operation POST needs a bulkId.")
	case op.data == nil:
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", "", "An operation "+op.method+" needs data.")
	}
	data, _ := resolveReferences(op.data, ids).(map[string]any)
	return o, o.readBody(data)
}
