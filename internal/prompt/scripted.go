package prompt

import (
	"context"
	"fmt"
	"slices"
)

// Scripted answers questions from a list; it is the fake for tests. A question
// that is not the next one of the list is an error, and so is one too many.
type Scripted struct {
	Answers []Answer
	// Asked collects the texts of the questions in order.
	Asked []string
}

// Answer is the reply to one question. Question is its whole text, or empty
// for whatever is asked next. Reply is the text of Input and Secret, "yes" or
// "no" for Confirm, and an option for Select; Replies are the options of
// MultiSelect. Err is returned in place of an answer.
type Answer struct {
	Question string
	Reply    string
	Replies  []string
	Err      error
}

func (s *Scripted) next(ctx context.Context, q Question) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	s.Asked = append(s.Asked, q.Text)
	if len(s.Answers) == 0 {
		return Answer{}, fmt.Errorf("unexpected question %q", q.Text)
	}
	a := s.Answers[0]
	s.Answers = s.Answers[1:]
	if a.Question != "" && a.Question != q.Text {
		return Answer{}, fmt.Errorf("asked %q, the script expects %q", q.Text, a.Question)
	}
	return a, a.Err
}

// Input implements Prompter. The question's Check is applied once.
func (s *Scripted) Input(ctx context.Context, q Question) (string, error) {
	a, err := s.next(ctx, q)
	if err != nil {
		return "", err
	}
	if a.Reply == "" {
		a.Reply = q.Default
	}
	if q.Check != nil {
		if err := q.Check(a.Reply); err != nil {
			return "", err
		}
	}
	return a.Reply, nil
}

// Secret implements Prompter.
func (s *Scripted) Secret(ctx context.Context, q Question) (string, error) { return s.Input(ctx, q) }

// Confirm implements Prompter.
func (s *Scripted) Confirm(ctx context.Context, q Question) (bool, error) {
	a, err := s.next(ctx, q)
	if err != nil {
		return false, err
	}
	if a.Reply == "" {
		a.Reply = q.Default
	}
	yes, ok := yesOrNo(a.Reply)
	if !ok {
		return false, fmt.Errorf("the script answers %q to a yes or no question", a.Reply)
	}
	return yes, nil
}

// Select implements Prompter.
func (s *Scripted) Select(ctx context.Context, q Question, options []string) (int, error) {
	a, err := s.next(ctx, q)
	if err != nil {
		return 0, err
	}
	i := slices.Index(options, a.Reply)
	if i < 0 {
		return 0, fmt.Errorf("the script chooses %q, the options are %q", a.Reply, options)
	}
	return i, nil
}

// MultiSelect implements Prompter.
func (s *Scripted) MultiSelect(ctx context.Context, q Question, options []string) ([]int, error) {
	a, err := s.next(ctx, q)
	if err != nil {
		return nil, err
	}
	var chosen []int
	for _, r := range a.Replies {
		i := slices.Index(options, r)
		if i < 0 {
			return nil, fmt.Errorf("the script chooses %q, the options are %q", r, options)
		}
		chosen = append(chosen, i)
	}
	return chosen, nil
}
