// Package prompt asks the person at the terminal for what the flags left out.
//
// Questions go to stderr, so that a redirected result stays clean. Input,
// Confirm and Secret are plain line reads, which cannot hang on a terminal
// that answers no cursor query; only the two lists are drawn by survey, which
// nothing outside this package sees. Where nobody can be asked, every method
// returns *NoTerminalError, which names the flag to use instead.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrInterrupted: Ctrl-C was pressed at a question.
	ErrInterrupted = errors.New("interrupted")
	// ErrDeclined: the person was asked and did not agree.
	ErrDeclined = errors.New("cancelled, nothing was changed")
	// ErrNoAnswer: the input ended (Ctrl-D) before an answer came.
	ErrNoAnswer = errors.New("no answer")
)

// NoTerminalError is the refusal to ask: stdin or stderr is no terminal,
// --no-input was given, CI is set or the terminal is dumb.
type NoTerminalError struct {
	Question string
	Flag     string // what to give instead, "--client-id"
}

func (e *NoTerminalError) Error() string {
	if e.Flag == "" {
		return fmt.Sprintf("cannot ask %q without a terminal", e.Question)
	}
	return fmt.Sprintf("%s is required, there is no terminal to ask on", e.Flag)
}

// ExitCode is the code of a usage error: nothing was sent.
func (e *NoTerminalError) ExitCode() int { return 64 }

// Question is what to ask.
type Question struct {
	Text string
	// Default is the answer to an empty line; "yes" or "no" for Confirm.
	Default string
	// Flag answers the question without a terminal.
	Flag string
	// Check refuses an answer of Input and Secret with a reason; the question
	// is then asked again. Nil takes every answer.
	Check func(string) error
}

// Prompter asks. Every method waits for the answer or the end of ctx.
type Prompter interface {
	Input(ctx context.Context, q Question) (string, error)
	// Secret reads without showing what is typed.
	Secret(ctx context.Context, q Question) (string, error)
	Confirm(ctx context.Context, q Question) (bool, error)
	// Select and MultiSelect answer indexes into options.
	Select(ctx context.Context, q Question, options []string) (int, error)
	MultiSelect(ctx context.Context, q Question, options []string) ([]int, error)
}

// TypedAbove is the number of resources above which ConfirmCount wants the
// number typed in place of a y.
const TypedAbove = 20

// ConfirmCount asks before an act on count resources, "delete 3 users". It
// returns ErrDeclined unless the person agrees. Above TypedAbove the number
// itself is asked for, because a y is typed too easily.
func ConfirmCount(ctx context.Context, p Prompter, act string, count int) error {
	if count <= TypedAbove {
		ok, err := p.Confirm(ctx, Question{Text: upperFirst(act) + "?", Default: "no", Flag: "--yes"})
		if err != nil {
			return err
		}
		if !ok {
			return ErrDeclined
		}
		return nil
	}
	answer, err := p.Input(ctx, Question{
		Text: fmt.Sprintf("About to %s. Type %d to go on", act, count),
		Flag: "--yes",
	})
	if err != nil {
		return err
	}
	if strings.TrimSpace(answer) != strconv.Itoa(count) {
		return ErrDeclined
	}
	return nil
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
