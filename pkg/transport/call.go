package transport

import (
	"context"
	"sync/atomic"
)

// Call is what the layers have to know of one request and HTTP does not say.
// The zero value is right for most requests. Client fills it in from Request;
// callers of Transport.RoundTrip use WithCall.
type Call struct {
	// Group is the API group whose rate limit counts. Empty: Options.Group
	// decides.
	Group string
	// Idempotent says that a PATCH or POST may be sent again without harm.
	Idempotent bool
	// NoRetry sends the request once, whatever happens.
	NoRetry bool
	// Once says that a PUT or DELETE does something anew each time it is sent,
	// a mail for instance: it is repeated only when it provably was not carried
	// out.
	Once bool
	// Stream hands the body over as it arrives: it is not held in memory, not
	// limited in size, and not repeated when it is cut off.
	Stream bool
	// Buffer is memory to read the body of the answer into, where it is large
	// enough; what it holds is lost. The caller must not use it until the
	// answer is there, and the answer's body is then a part of it.
	Buffer []byte
}

type callKey struct{}

type callState struct {
	Call
	empty     bool // there is no body
	owned     bool // nobody but the stack has the request: it may be changed
	attempts  atomic.Int32
	requestID atomic.Pointer[string]
}

// WithCall returns a context under which requests are treated as c says.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, &callState{Call: c})
}

func stateOf(ctx context.Context) *callState {
	s, _ := ctx.Value(callKey{}).(*callState)
	return s
}

func callOf(ctx context.Context) Call {
	if s := stateOf(ctx); s != nil {
		return s.Call
	}
	return Call{}
}
