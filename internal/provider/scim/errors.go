package scim

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// hinted is an error with a line of advice.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// Hint is a line of its own.
func (e *hinted) Hint() string { return e.hint }

// addressHint is for answers of something that is no SCIM service, or of one
// at another path.
const addressHint = "is this the address of the SCIM service itself? It often has a path, as in https://host/scim/v2"

// refuse words what a server cannot do, and what may be meant, for a person.
func (r *resources) refuse(err error) error {
	var verb *scim.VerbError
	var refusal *scim.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &verb):
		return fmt.Errorf("%w (%w)", &provider.UnsupportedError{
			Provider: Name, What: scim.OpNames(verb.Verb) + " a resource of type " + r.base.name,
			Instead: r.base.name + " offers: " + scim.OpNames(verb.Has),
		}, verb)
	case errors.Is(err, scim.ErrBadResponse):
		return &hinted{err, addressHint}
	case errors.As(err, &refusal) && refusal.Status == http.StatusNotImplemented:
		return fmt.Errorf("%w: %w", &provider.UnsupportedError{
			Provider: Name, What: "do this with resources of type " + r.base.name + " here",
			Instead: "the service answers that it has not implemented it",
		}, err)
	}
	return err
}
