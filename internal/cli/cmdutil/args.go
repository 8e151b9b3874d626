package cmdutil

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"
)

// NoArgs refuses every argument.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0]).WithHint("%s", seeHelp(cmd))
	}
	return nil
}

// One wants exactly one argument, called name in messages.
func One(name string) cobra.PositionalArgs { return exactly(name) }

// Two wants exactly two arguments.
func Two(first, second string) cobra.PositionalArgs { return exactly(first, second) }

func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return Usagef("%s needs <%s>", cmd.CommandPath(), names[len(args)]).WithHint("%s", seeHelp(cmd))
		case len(args) > len(names):
			return Usagef("%s takes no argument after <%s>, got %q", cmd.CommandPath(), names[len(names)-1], args[len(names)]).
				WithHint("%s", seeHelp(cmd))
		}
		return nil
	}
}

// AtLeast wants n arguments or more.
func AtLeast(n int, name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return Usagef("%s needs at least %d <%s>, got %d", cmd.CommandPath(), n, name, len(args)).WithHint("%s", seeHelp(cmd))
		}
		return nil
	}
}

func seeHelp(cmd *cobra.Command) string { return "see " + cmd.CommandPath() + " --help" }

// maxKey bounds a line of Keys; no key of any service is longer.
const maxKey = 64 << 10

// Keys yields the arguments, and in place of a single "-" the lines of in, one
// key a line, blank lines left out. Lines are read as they are asked for, so
// that two commands in a pipe work at the same time.
func Keys(ctx context.Context, args []string, in io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		stdin := false
		for _, a := range args {
			if a != "-" {
				if !yield(a, nil) {
					return
				}
				continue
			}
			if stdin {
				yield("", Usagef("- may stand once among the arguments"))
				return
			}
			stdin = true
			if !lines(ctx, in, yield) {
				return
			}
		}
	}
}

func lines(ctx context.Context, in io.Reader, yield func(string, error) bool) bool {
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, maxKey)
	n := 0
	for {
		more, err := scan(ctx, sc)
		n++
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			yield("", Usagef("line %d of standard input is longer than %d bytes", n, maxKey))
			return false
		case err != nil:
			yield("", fmt.Errorf("read standard input: %w", err))
			return false
		case !more:
			return true
		}
		key := strings.TrimSpace(sc.Text())
		if n == 1 {
			key = strings.TrimPrefix(key, "\ufeff") // editors on Windows put it there
		}
		if key != "" && !yield(key, nil) {
			return false
		}
	}
}

// scan reads a line and gives up waiting when ctx ends: whoever feeds the pipe
// may take its time. The read is then left behind in an ending process.
func scan(ctx context.Context, sc *bufio.Scanner) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	more := false
	done := Go(func() error {
		more = sc.Scan()
		return sc.Err()
	})
	select {
	case err := <-done:
		return more, err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// Collect gathers all keys; for commands that need the number before they act.
func Collect(keys iter.Seq2[string, error]) ([]string, error) {
	var out []string
	for k, err := range keys {
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}
