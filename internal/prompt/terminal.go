package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/terminal"
	"golang.org/x/term"

	"github.com/idctl/idctl/internal/iostreams"
)

// New returns a Prompter on the streams. Whether it may ask is decided at each
// question, because --no-input is known only after the flags were parsed.
func New(s *iostreams.Streams) Prompter { return &onTerminal{s: s} }

type onTerminal struct {
	s *iostreams.Streams
}

func (p *onTerminal) may(q Question) error {
	if p.s.CanPrompt() {
		return nil
	}
	return &NoTerminalError{Question: q.Text, Flag: q.Flag}
}

// ask repeats read until Check takes the answer.
func (p *onTerminal) ask(ctx context.Context, q Question, text string, read func(context.Context) (string, error)) (string, error) {
	if err := p.may(q); err != nil {
		return "", err
	}
	for {
		if _, err := fmt.Fprint(p.s.ErrOut, text); err != nil {
			return "", err
		}
		answer, err := read(ctx)
		if err != nil {
			return "", err
		}
		if answer == "" {
			answer = q.Default
		}
		if q.Check == nil {
			return answer, nil
		}
		refusal := q.Check(answer)
		if refusal == nil {
			return answer, nil
		}
		if _, err := fmt.Fprintln(p.s.ErrOut, refusal); err != nil {
			return "", err
		}
	}
}

func (p *onTerminal) Input(ctx context.Context, q Question) (string, error) {
	text := q.Text + ": "
	if q.Default != "" {
		text = fmt.Sprintf("%s [%s]: ", q.Text, q.Default)
	}
	return p.ask(ctx, q, text, p.line)
}

func (p *onTerminal) Confirm(ctx context.Context, q Question) (bool, error) {
	text := q.Text + " [y/N] "
	if q.Default == "yes" {
		text = q.Text + " [Y/n] "
	}
	q.Check = func(answer string) error {
		if _, ok := yesOrNo(answer); !ok {
			return errors.New("please answer y or n")
		}
		return nil
	}
	if q.Default == "" {
		q.Default = "no"
	}
	answer, err := p.ask(ctx, q, text, p.line)
	if err != nil {
		return false, err
	}
	yes, _ := yesOrNo(answer)
	return yes, nil
}

func yesOrNo(s string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes":
		return true, true
	case "n", "no":
		return false, true
	}
	return false, false
}

func (p *onTerminal) Secret(ctx context.Context, q Question) (string, error) {
	return p.ask(ctx, q, q.Text+": ", func(ctx context.Context) (string, error) {
		f, ok := p.s.In.(terminal.FileReader)
		if !ok {
			return "", &NoTerminalError{Question: q.Text, Flag: q.Flag}
		}
		fd := int(f.Fd())
		answer, err := await(ctx, fd, func() (string, error) {
			b, err := term.ReadPassword(fd)
			return string(b), err
		})
		if _, werr := fmt.Fprintln(p.s.ErrOut); werr != nil && err == nil {
			err = werr
		}
		return answer, err
	})
}

// line reads up to the line's end and not a byte further: what follows may
// belong to the next question.
func (p *onTerminal) line(ctx context.Context) (string, error) {
	fd := -1
	if f, ok := p.s.In.(terminal.FileReader); ok {
		fd = int(f.Fd())
	}
	return await(ctx, fd, func() (string, error) {
		var b []byte
		one := make([]byte, 1)
		for {
			n, err := p.s.In.Read(one)
			if n == 1 {
				if one[0] == '\n' {
					return strings.TrimSuffix(string(b), "\r"), nil
				}
				b = append(b, one[0])
			}
			if err == nil {
				continue
			}
			if errors.Is(err, io.EOF) && len(b) > 0 {
				return string(b), nil
			}
			return "", err
		}
	})
}

// await runs a read that cannot be interrupted and returns early when ctx
// ends, with the terminal as it was before. The read then stays behind until
// the process exits, which is what an ended ctx leads to.
func await[T any](ctx context.Context, fd int, read func() (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	var before *term.State
	if fd >= 0 {
		before, _ = term.GetState(fd) // no state, nothing to restore
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if v := recover(); v != nil {
				r.err = &fault{v}
			}
			done <- r
		}()
		r.v, r.err = read()
	}()
	select {
	case r := <-done:
		switch {
		case errors.Is(r.err, terminal.InterruptErr):
			return zero, ErrInterrupted
		case errors.Is(r.err, io.EOF):
			return zero, ErrNoAnswer
		}
		return r.v, r.err
	case <-ctx.Done():
		if before != nil {
			if err := term.Restore(fd, before); err != nil {
				return zero, errors.Join(ctx.Err(), err)
			}
		}
		return zero, ctx.Err()
	}
}

// fault is a recovered panic of the code that draws a question.
type fault struct{ value any }

func (f *fault) Error() string {
	return fmt.Sprintf("internal error: panic with a %T while asking", f.value)
}

// ExitCode is the code of a fault of idctl itself.
func (f *fault) ExitCode() int { return 70 }

func (p *onTerminal) Select(ctx context.Context, q Question, options []string) (int, error) {
	return drawn(ctx, p, q, func(opt survey.AskOpt) (int, error) {
		var i int
		s := &survey.Select{Message: q.Text, Options: options, PageSize: 15}
		if q.Default != "" {
			s.Default = q.Default
		}
		err := survey.AskOne(s, &i, opt)
		return i, err
	})
}

func (p *onTerminal) MultiSelect(ctx context.Context, q Question, options []string) ([]int, error) {
	return drawn(ctx, p, q, func(opt survey.AskOpt) ([]int, error) {
		var chosen []int
		err := survey.AskOne(&survey.MultiSelect{Message: q.Text, Options: options, PageSize: 15}, &chosen, opt)
		return chosen, err
	})
}

// drawn runs a survey question on stdin and stderr.
func drawn[T any](ctx context.Context, p *onTerminal, q Question, ask func(survey.AskOpt) (T, error)) (T, error) {
	var zero T
	if err := p.may(q); err != nil {
		return zero, err
	}
	in, ok := p.s.In.(terminal.FileReader)
	out, ok2 := p.s.ErrOut.(terminal.FileWriter)
	if !ok || !ok2 {
		return zero, &NoTerminalError{Question: q.Text, Flag: q.Flag}
	}
	return await(ctx, int(in.Fd()), func() (T, error) { return ask(survey.WithStdio(in, out, out)) })
}
