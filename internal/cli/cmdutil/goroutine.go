package cmdutil

import "runtime/debug"

// Safe wraps a function so that a panic comes out as a *PanicError. Every
// goroutine of a command runs through it, for a panic in a goroutine would end
// the process with Go's own code 2 and no journal: g.Go(cmdutil.Safe(f)).
func Safe(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
		}()
		return f()
	}
}

// Go runs f in a goroutine, recovering as Safe does. The channel gives its
// error once; whoever starts a goroutine reads it.
func Go(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- Safe(f)() }()
	return done
}
