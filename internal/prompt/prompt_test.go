package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/iostreams"
)

// typed returns a prompter whose person types text.
func typed(t *testing.T, text string) (Prompter, fmt.Stringer) {
	t.Helper()
	s, in, _, errOut := iostreams.Test()
	s.SetTerminal(80)
	in.WriteString(text)
	return New(s), errOut
}

func TestInput(t *testing.T) {
	short := func(s string) error {
		if len(s) > 3 {
			return errors.New("too long")
		}
		return nil
	}
	tests := []struct {
		name, typed string
		q           Question
		want        string
		shown       string
		err         error
	}{
		{name: "Answer", typed: "prod\n", q: Question{Text: "Name"}, want: "prod", shown: "Name: "},
		{name: "CRLF", typed: "prod\r\n", q: Question{Text: "Name"}, want: "prod", shown: "Name: "},
		{name: "Default", typed: "\n", q: Question{Text: "Name", Default: "x"}, want: "x", shown: "Name [x]: "},
		{name: "LastLineOpen", typed: "prod", q: Question{Text: "Name"}, want: "prod", shown: "Name: "},
		{name: "EOF", typed: "", q: Question{Text: "Name"}, err: ErrNoAnswer, shown: "Name: "},
		{name: "AskedAgain", typed: "long\nok\n", q: Question{Text: "Name", Check: short}, want: "ok", shown: "Name: too long\nName: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, shown := typed(t, tt.typed)
			got, err := p.Input(t.Context(), tt.q)
			if !errors.Is(err, tt.err) || got != tt.want {
				t.Errorf("Input() = %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
			if diff := cmp.Diff(tt.shown, shown.String()); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInputLeavesTheNextLine(t *testing.T) {
	p, _ := typed(t, "one\ntwo\n")
	for _, want := range []string{"one", "two"} {
		if got, err := p.Input(t.Context(), Question{Text: "?"}); got != want || err != nil {
			t.Errorf("Input() = %q, %v, want %q", got, err, want)
		}
	}
}

func TestConfirm(t *testing.T) {
	tests := []struct {
		typed, preset string
		want          bool
	}{
		{"y\n", "no", true},
		{"YES\n", "no", true},
		{"n\n", "yes", false},
		{"\n", "yes", true},
		{"\n", "no", false},
		{"\n", "", false},
		{"what\ny\n", "no", true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q default %q", tt.typed, tt.preset), func(t *testing.T) {
			p, _ := typed(t, tt.typed)
			got, err := p.Confirm(t.Context(), Question{Text: "Sure?", Default: tt.preset})
			if err != nil || got != tt.want {
				t.Errorf("Confirm() = %t, %v, want %t", got, err, tt.want)
			}
		})
	}
}

func TestConfirmCount(t *testing.T) {
	tests := []struct {
		name  string
		count int
		reply string
		err   error
	}{
		{"FewYes", 3, "yes", nil},
		{"FewNo", 3, "no", ErrDeclined},
		{"ManyTyped", 25, "25", nil},
		{"ManyYes", 25, "y", ErrDeclined},
		{"Limit", TypedAbove, "yes", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Scripted{Answers: []Answer{{Reply: tt.reply}}}
			err := ConfirmCount(t.Context(), s, fmt.Sprintf("delete %d users", tt.count), tt.count)
			if !errors.Is(err, tt.err) {
				t.Errorf("ConfirmCount(%d) answered %q = %v, want %v", tt.count, tt.reply, err, tt.err)
			}
		})
	}
}

// TestNobodyToAsk: off a terminal each method refuses at once, names the flag
// and reads nothing.
func TestNobodyToAsk(t *testing.T) {
	s, in, _, errOut := iostreams.Test()
	in.WriteString("y\n")
	p := New(s)
	q := Question{Text: "Client id", Flag: "--client-id"}
	ctx := t.Context()
	calls := map[string]func() error{
		"Input":       func() error { _, err := p.Input(ctx, q); return err },
		"Secret":      func() error { _, err := p.Secret(ctx, q); return err },
		"Confirm":     func() error { _, err := p.Confirm(ctx, q); return err },
		"Select":      func() error { _, err := p.Select(ctx, q, []string{"a"}); return err },
		"MultiSelect": func() error { _, err := p.MultiSelect(ctx, q, []string{"a"}); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			var refused *NoTerminalError
			if err := call(); !errors.As(err, &refused) || !strings.Contains(err.Error(), "--client-id") {
				t.Errorf("%s() = %v, want a refusal that names --client-id", name, err)
			}
		})
	}
	if in.Len() != 2 || errOut.Len() != 0 {
		t.Errorf("a refused question read input or printed %q", errOut)
	}
}

func TestContextEnds(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	s.SetTerminal(80)
	r, w := io.Pipe() // never answers
	defer func() { _ = w.Close() }()
	s.In = r
	ctx, cancel := context.WithCancel(t.Context())
	s.ErrOut = writerFunc(func(b []byte) (int, error) { cancel(); return len(b), nil })
	if _, err := New(s).Input(ctx, Question{Text: "Name"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Input() after cancel = %v, want context.Canceled", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestScripted(t *testing.T) {
	s := &Scripted{Answers: []Answer{{Question: "Pick", Reply: "b"}, {Replies: []string{"c", "a"}}}}
	i, err := s.Select(t.Context(), Question{Text: "Pick"}, []string{"a", "b"})
	if i != 1 || err != nil {
		t.Errorf("Select() = %d, %v, want 1", i, err)
	}
	many, err := s.MultiSelect(t.Context(), Question{Text: "Many"}, []string{"a", "b", "c"})
	if diff := cmp.Diff([]int{2, 0}, many); diff != "" || err != nil {
		t.Errorf("MultiSelect() = %v, %v", many, err)
	}
	if _, err := s.Input(t.Context(), Question{Text: "More"}); err == nil {
		t.Error("a question too many was answered")
	}
	if diff := cmp.Diff([]string{"Pick", "Many", "More"}, s.Asked); diff != "" {
		t.Errorf("Asked (-want +got):\n%s", diff)
	}
}
