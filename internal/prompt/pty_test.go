//go:build !windows

package prompt

import (
	"bufio"
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/idctl/idctl/internal/iostreams"
)

// onPty runs ask with a pseudo-terminal and types keys once marker has been
// shown. It returns everything the terminal showed.
func onPty(t *testing.T, marker, keys string, ask func(Prompter) error) (string, error) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	defer func() { _ = master.Close() }()
	s, _, _, _ := iostreams.Test()
	s.SetTerminal(80)
	s.In, s.ErrOut = tty, tty
	ttyFd := int(tty.Fd())
	before, err := term.GetState(ttyFd)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 1)
	go func() {
		var shown strings.Builder
		r := bufio.NewReader(master)
		typed := false
		for {
			b, err := r.ReadByte()
			if err != nil {
				seen <- shown.String()
				return
			}
			shown.WriteByte(b)
			if !typed && strings.Contains(shown.String(), marker) {
				typed = true
				// The question is shown before echo and line editing go off.
				for now := before; reflect.DeepEqual(before, now); runtime.Gosched() {
					var err error
					if now, err = term.GetState(ttyFd); err != nil {
						break
					}
				}
				if _, err := master.WriteString(keys); err != nil {
					seen <- shown.String()
					return
				}
			}
		}
	}()
	answered := ask(New(s))
	closeTTY(t, tty)
	_ = master.Close()
	return <-seen, answered
}

func closeTTY(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestSelectOnPty(t *testing.T) {
	got := -1
	_, err := onPty(t, "gamma", "\x1b[B\r", func(p Prompter) (err error) {
		got, err = p.Select(t.Context(), Question{Text: "Which user"}, []string{"alpha", "beta", "gamma"})
		return err
	})
	if err != nil || got != 1 {
		t.Errorf("Select() after one arrow down = %d, %v, want 1", got, err)
	}
}

func TestMultiSelectOnPty(t *testing.T) {
	var got []int
	_, err := onPty(t, "gamma", " \x1b[B\x1b[B \r", func(p Prompter) (err error) {
		got, err = p.MultiSelect(t.Context(), Question{Text: "Which users"}, []string{"alpha", "beta", "gamma"})
		return err
	})
	if err != nil || len(got) != 2 || got[0] != 0 || got[1] != 2 {
		t.Errorf("MultiSelect() = %v, %v, want the first and the third", got, err)
	}
}

func TestCtrlCOnPty(t *testing.T) {
	_, err := onPty(t, "alpha", "\x03", func(p Prompter) error {
		_, err := p.Select(t.Context(), Question{Text: "Which user"}, []string{"alpha"})
		return err
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("Select() after Ctrl-C = %v, want ErrInterrupted", err)
	}
}

func TestSecretOnPtyIsNotShown(t *testing.T) {
	var got string
	shown, err := onPty(t, "Secret: ", "hush-hush\n", func(p Prompter) (err error) {
		got, err = p.Secret(t.Context(), Question{Text: "Secret"})
		return err
	})
	if err != nil || got != "hush-hush" {
		t.Errorf("Secret() = %q, %v", got, err)
	}
	if strings.Contains(shown, "hush") {
		t.Errorf("the secret was shown: %q", shown)
	}
}
