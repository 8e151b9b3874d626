package emulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// FaultState is a rule with how often it matched and fired.
type FaultState struct {
	Rule    string `json:"rule"`
	Matched int    `json:"matched"`
	Fired   int    `json:"fired"`
}

// faultSet is the rules in force in this process. Counters and the random
// source belong to a rule, so that adding one does not disturb another.
type faultSet struct {
	seed    uint64
	initial []FaultRule

	mu    sync.Mutex
	rules []*activeFault
}

type activeFault struct {
	FaultRule
	random  *rand.Rand
	matched int
	fired   int
}

func newFaultSet(rules []FaultRule, seed uint64) (*faultSet, error) {
	f := &faultSet{seed: seed, initial: slices.Clone(rules)}
	return f, f.set(rules)
}

// set replaces the rules and starts their counters anew.
func (f *faultSet) set(rules []FaultRule) error {
	active := make([]*activeFault, len(rules))
	for i, r := range rules {
		if err := r.Validate(); err != nil {
			return fmt.Errorf("emulator: fault %d: %w", i+1, err)
		}
		//nolint:gosec // chance that must be repeatable, not secret
		active[i] = &activeFault{FaultRule: r, random: rand.New(rand.NewPCG(f.seed, uint64(i)))}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = active
	return nil
}

func (f *faultSet) reset() error { return f.set(f.initial) }

func (f *faultSet) state() []FaultState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]FaultState, len(f.rules))
	for i, r := range f.rules {
		out[i] = FaultState{Rule: r.String(), Matched: r.matched, Fired: r.fired}
	}
	return out
}

// verdict is what the rules do to one request: the delays of all that fire
// add up. One action is taken, that of the first rule that has one; the rules
// behind it that have another do not fire, so that what they still have to do
// is left for later requests.
type verdict struct {
	delay  time.Duration
	action *FaultRule
}

func (f *faultSet) decide(family string, r *http.Request) verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	var v verdict
	for _, a := range f.rules {
		late := v.action != nil && a.Action != FaultLatency
		if !a.matches(family, r.Method, r.URL.Path) || !a.due() || late {
			continue
		}
		a.fired++
		v.delay += time.Duration(a.Delay)
		if a.Action != FaultLatency {
			rule := a.FaultRule
			v.action = &rule
		}
	}
	return v
}

// due counts a match and says whether the rule would strike.
func (a *activeFault) due() bool {
	a.matched++
	if a.Times > 0 && a.fired >= a.Times {
		return false
	}
	switch {
	case a.Every > 0 && a.matched%a.Every != 0:
		return false
	case a.Probability > 0 && a.random.Float64() >= a.Probability:
		return false
	}
	return true
}

// applyFaults runs next under the rules. Closing the connection is asked for
// with http.ErrAbortHandler, which net/http and Transport both understand.
func (s *Service) applyFaults(w http.ResponseWriter, r *http.Request, family string, next http.HandlerFunc) {
	v := s.faults.decide(family, r)
	if v.delay > 0 {
		if err := s.hold(r.Context(), v.delay); err != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
	}
	if v.action == nil {
		next(w, r)
		return
	}
	exchangeOf(r.Context()).record.Fault = string(v.action.Action)
	switch v.action.Action {
	case FaultDrop:
		panic(http.ErrAbortHandler)
	case FaultCut:
		s.cut(w, r, next)
	case FaultStatus:
		if v.action.RetryAfter != nil {
			w.Header().Set("Retry-After", strconv.Itoa(*v.action.RetryAfter))
		}
		writeStatus(w, v.action.Status, "This answer was asked for by a fault rule.")
	case FaultExpire:
		next(w, r.WithContext(context.WithValue(r.Context(), expireKey{}, true)))
	case FaultIgnoreTerms, FaultHideCodes:
		next(w, r.WithContext(context.WithValue(r.Context(), quirkKey{}, v.action.Action)))
	default:
		next(w, r)
	}
}

// hold waits for a latency, but not longer than the service is open.
func (s *Service) hold(ctx context.Context, d time.Duration) error {
	held, release := context.WithCancel(ctx)
	defer release()
	go func() {
		select {
		case <-s.closing:
			release()
		case <-held.Done():
		}
	}()
	err := s.opts.Sleep(held, d)
	if ctx.Err() == nil && held.Err() != nil {
		return nil // closing: what was held is answered
	}
	return err
}

// expireKey marks a request whose token counts as expired.
type expireKey struct{}

// quirkKey holds what a request that is handled is to do otherwise.
type quirkKey struct{}

// cut lets the request be handled and sends half of the answer. An answer
// without a body is not sent at all.
func (s *Service) cut(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	rec := newRecorder()
	rec.plain = isPlain(w)
	next(rec, r)
	if n := rec.body.Len(); n > 1 {
		h := w.Header()
		for k, vs := range rec.header {
			h[k] = vs
		}
		// The full length is announced, so that the client can tell.
		h.Set("Content-Length", strconv.Itoa(n))
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes()[:n/2])
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}
