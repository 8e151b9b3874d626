package acting

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/pkg/transport"
)

// Handout are the flags by which secrets that an act makes are handed out,
// once: to the terminal, to a private file, or encrypted for somebody else.
// They never go to a standard output that is no terminal, unless the caller
// offers --plaintext and it is given.
type Handout struct {
	// What is handed out, "password"; columns of a file are the user's name
	// and those of Columns.
	What    string
	Columns []string
	// Table makes a file a CSV with a heading also where there is one target
	// only, and tells a person the names of columns. Where the secrets of one
	// target go to a program, it gets the first column alone.
	Table bool
	// OfferPlaintext adds --plaintext.
	OfferPlaintext bool

	Out        string
	Recipients []string
	Plaintext  bool
}

// Secrets are what an act makes for one target, in the order of Columns.
type Secrets []transport.Secret

// Rows are what an act makes for one target where that is several secrets of
// the same form; what stands beside a secret need not be one.
type Rows []Secrets

// AddFlags adds --out, --recipient and, where it is offered, --plaintext.
func (h *Handout) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&h.Out, "out", "", "write the "+h.What+"s to a new `file` that only you can read, in place of the terminal")
	fs.StringArrayVar(&h.Recipients, "recipient", nil, "encrypt them for an age public `key` (age1...); may be given several times")
	if h.OfferPlaintext {
		fs.BoolVar(&h.Plaintext, "plaintext", false, "print them also where standard output is no terminal")
	}
}

// Check refuses, before anything is sent, what would leave a secret nowhere or
// in the open.
func (h *Handout) Check(d *cmdutil.Deps) error {
	if _, err := h.recipients(); err != nil {
		return err
	}
	if h.Out == "" && len(h.Recipients) == 0 && !d.IO.OutTerminal && !h.Plaintext {
		err := cmdutil.Usagef("a %s is not printed where standard output is no terminal", h.What).
			WithHint("--out FILE writes it to a private file, --recipient AGE1... encrypts it")
		if h.OfferPlaintext {
			err = err.WithHint("--plaintext prints it all the same")
		}
		return err
	}
	if h.Out != "" {
		if _, err := os.Lstat(h.Out); err == nil {
			return cmdutil.Usagef("--out: %s is there already, and is not overwritten", h.Out)
		}
	}
	return nil
}

func (h *Handout) recipients() ([]age.Recipient, error) {
	var out []age.Recipient
	for _, text := range h.Recipients {
		list, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(list) != 1 {
			return nil, cmdutil.Usagef("--recipient: %q is no age public key", text).WithHint("age-keygen makes a pair; the public one begins with age1")
		}
		out = append(out, list...)
	}
	return out, nil
}

// Open prepares the place. In a file many targets are a CSV with a heading; of
// one target it holds the secret alone.
func (h *Handout) Open(d *cmdutil.Deps, many bool) (Outlet, error) {
	recipients, err := h.recipients()
	if err != nil {
		return nil, err
	}
	o := &outlet{what: h.What, many: many, table: h.Table, columns: append([]string{"name"}, h.Columns...)}
	switch {
	case len(recipients) > 0:
		o.sealed = true
		o.seal = func(plain []byte) error { return h.writeSealed(d, recipients, plain) }
		o.stdout = h.Out == ""
	case h.Out != "":
		f, err := os.OpenFile(h.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, &cmdutil.UsageError{Err: fmt.Errorf("--out: %w", err)}
		}
		o.w, o.file = f, f
	default:
		o.w, o.stdout, o.terminal = d.IO.Out, true, d.IO.OutTerminal
	}
	return o, nil
}

func (h *Handout) writeSealed(d *cmdutil.Deps, recipients []age.Recipient, plain []byte) error {
	var buf bytes.Buffer
	a := armor.NewWriter(&buf)
	w, err := age.Encrypt(a, recipients...)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if h.Out != "" {
		return atomicfile.Write(h.Out, buf.Bytes())
	}
	if _, err := d.IO.Out.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// outlet hands out Secrets.
type outlet struct {
	what     string
	columns  []string
	many     bool
	table    bool
	stdout   bool
	terminal bool
	sealed   bool
	seal     func([]byte) error

	mu     sync.Mutex
	w      io.Writer
	file   *os.File
	plain  bytes.Buffer // of a sealed outlet
	begun  bool
	closed bool
	err    error
}

// Deliver writes the secrets of one target.
func (o *outlet) Deliver(t *acts.Target, p acts.Product) error {
	var rows Rows
	switch p := p.(type) {
	case Secrets:
		rows = Rows{p}
	case Rows:
		rows = p
	default:
		return fmt.Errorf("a product of type %T is not handed out", p)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var buf bytes.Buffer
	for _, row := range rows {
		o.row(&buf, t.Key, row)
		o.begun = true
	}
	if o.sealed {
		o.plain.Write(buf.Bytes())
		return nil
	}
	if _, err := o.w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write the %s: %w", o.what, err)
	}
	return nil
}

// row writes the secrets of one target in the form that suits the place.
func (o *outlet) row(buf *bytes.Buffer, key string, row Secrets) {
	file := !o.stdout || o.sealed
	switch {
	case !o.many && o.table && o.terminal:
		for i, s := range row {
			if s != "" {
				fmt.Fprintf(buf, "%-8s  %s\n", o.columns[i+1], s.Reveal())
			}
		}
	case !o.many && o.table && !file:
		buf.WriteString(row[0].Reveal() + "\n")
	case !o.many && !o.table:
		for _, s := range row {
			buf.WriteString(s.Reveal() + "\n")
		}
	case o.terminal:
		buf.WriteString(iostreams.Clean(key))
		for _, s := range row {
			buf.WriteString("  " + s.Reveal())
		}
		buf.WriteByte('\n')
	default:
		w := csv.NewWriter(buf)
		if !o.begun {
			_ = w.Write(o.columns) // a buffer never fails to write
		}
		record := []string{key}
		for _, s := range row {
			record = append(record, s.Reveal())
		}
		_ = w.Write(record)
		w.Flush()
	}
}

// Lasting is false of what is encrypted: it is written whole at the end.
func (o *outlet) Lasting() bool { return !o.sealed }

// TakesStdout says that secrets go to standard output.
func (o *outlet) TakesStdout() bool { return o.stdout }

// Close syncs a file, and writes what is encrypted. A file into which nothing
// was written goes away.
func (o *outlet) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return o.err
	}
	o.closed = true
	switch {
	case o.sealed && o.begun:
		o.err = o.seal(o.plain.Bytes())
	case o.file != nil:
		o.err = errors.Join(o.file.Sync(), o.file.Close())
		if !o.begun {
			o.err = errors.Join(o.err, os.Remove(o.file.Name()))
		}
	}
	return o.err
}
