package engine

import (
	"context"
	"net/http"
)

// Devices and trusted user agents come into being at a sign-in, so that the API
// for administrators has no create for them. A test needs them without one.

// Enrolled says that resources of a type are made by the service at a sign-in
// and that Enrol makes them without one.
func Enrolled(typ string) bool { return typ == "Device" || typ == "TrustedUserAgent" }

// Enrol makes a device, with the factors that it is for, or a trusted user
// agent of a user, as a sign-in would. It is for setting up a domain.
func (e *Engine) Enrol(ctx context.Context, call Call, typ string, doc Document, p Params) (*Result, error) {
	if !Enrolled(typ) {
		return nil, fail(http.StatusNotFound, "", msgNotFound, "There is nothing to enrol of the type %q.", typ)
	}
	return e.do(ctx, call, func(tx *Tx) (*Result, error) { return tx.Create(typ, doc, p) })
}
