package cmdutil

import (
	"errors"
	"net/http"
	"strings"

	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// neededRoles says of a refusal for lack of rights which administrator role
// would do, by the vendor's table; empty where nothing is known.
func neededRoles(err error) string {
	var e *scim.Error
	if !errors.As(err, &e) || e.Status != http.StatusForbidden {
		return ""
	}
	// A 403 has other reasons, too, such as a rule about the own account; their
	// messages say so.
	if e.MessageID != "" && !strings.Contains(strings.ToLower(e.MessageID), "auth") {
		return ""
	}
	rest, ok := strings.CutPrefix(e.Path, "/admin/v1/")
	endpoint, id, below := strings.Cut(rest, "/")
	if !ok || rights.OwnAccount(endpoint) {
		return ""
	}
	var verb schema.Verb
	switch {
	case e.Op == http.MethodGet && below:
		verb = schema.VerbGet
	case e.Op == http.MethodGet:
		verb = schema.VerbList
	case e.Op == http.MethodPost && id == ".search":
		verb = schema.VerbSearch
	case e.Op == http.MethodPost:
		verb = schema.VerbCreate
	case e.Op == http.MethodPut:
		verb = schema.VerbPut
	case e.Op == http.MethodPatch:
		verb = schema.VerbPatch
	case e.Op == http.MethodDelete:
		verb = schema.VerbDelete
	}
	if names := rights.Names(new(rights.Table).Who(endpoint, verb)); names != "" {
		return "this needs the role " + names
	}
	return ""
}
