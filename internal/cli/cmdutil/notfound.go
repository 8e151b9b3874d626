package cmdutil

import "fmt"

// NotFoundError is something of the tool's own that does not exist: a run, a
// profile. What the service does not have is scim.ErrNotFound.
type NotFoundError struct {
	What, Name string
	Help       string
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no %s %q", e.What, e.Name) }

// Hint implements Hinter.
func (e *NotFoundError) Hint() string { return e.Help }

// ExitCode implements ExitCoder.
func (e *NotFoundError) ExitCode() int { return ExitNotFound }
