// Command gendocs writes what is made from the command tree: one page a
// command in docs/cmd and docs/man, both again in docs/pages.zip for the
// command docs, and the completion scripts in completions. It is run by
// go generate; a test fails when what lies in the repository is not what it
// writes. Guides are written by hand and are not its business.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/idctl/idctl/internal/cli"
	"github.com/idctl/idctl/internal/iostreams"
)

//go:generate go run . ../..

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: gendocs <folder of the repository>")
	}
	files, err := generate()
	if err != nil {
		return err
	}
	return write(args[0], files)
}

// generate returns the files by their path in the repository, with slashes.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	root := tree()
	if err := pages(root, files); err != nil {
		return nil, err
	}
	if err := manPages(tree(), files); err != nil { // which changes its tree
		return nil, err
	}
	archive, err := packed(files)
	if err != nil {
		return nil, err
	}
	files[archiveName] = archive
	for name, script := range map[string]func(io.Writer) error{
		"idctl.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"_idctl":     root.GenZshCompletion,
		"idctl.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"idctl.ps1":  root.GenPowerShellCompletionWithDesc,
	} {
		var buf bytes.Buffer
		if err := script(&buf); err != nil {
			return nil, fmt.Errorf("completion script %s: %w", name, err)
		}
		files["completions/"+name] = buf.Bytes()
	}
	return files, nil
}

// tree is the command tree as nobody's: no environment, no terminal, so that
// the pages are the same wherever they are made.
func tree() *cobra.Command {
	streams, _, _, _ := iostreams.Test()
	root := cli.Tree(cli.Process{
		IO:    streams,
		Env:   func(string) (string, bool) { return "", false },
		GOOS:  "linux",
		Clock: time.Now,
	})
	root.DisableAutoGenTag = true
	return root
}

// pages renders cmd and all below it. Help topics have no page; what they say
// is in docs/scripting.md.
func pages(cmd *cobra.Command, files map[string][]byte) error {
	if cmd.Parent() != nil && (!cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand()) {
		return nil
	}
	cmd.DisableAutoGenTag = true
	var buf bytes.Buffer
	if err := doc.GenMarkdownCustom(cmd, &buf, func(name string) string { return name }); err != nil {
		return fmt.Errorf("page of %s: %w", cmd.CommandPath(), err)
	}
	files["docs/cmd/"+strings.ReplaceAll(cmd.CommandPath(), " ", "_")+".md"] = buf.Bytes()
	for _, sub := range cmd.Commands() {
		if err := pages(sub, files); err != nil {
			return err
		}
	}
	return nil
}

// write puts the files below dir and removes pages of commands that are no
// more.
func write(dir string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if have, err := os.ReadFile(path); err == nil && same(name, have, data) {
			continue // compressed by another version of Go, maybe
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a folder of the repository
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // pages are for everybody
			return err
		}
	}
	have, err := existing(dir)
	if err != nil {
		return err
	}
	for _, name := range have {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	return nil
}

// existing lists the generated files that lie below dir, whether or not they
// are still made.
func existing(dir string) ([]string, error) {
	var names []string
	for _, folder := range []string{"docs/cmd", "docs/man", "completions"} {
		entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(folder)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			names = append(names, folder+"/"+e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(archiveName))); err == nil {
		names = append(names, archiveName)
	}
	return names, nil
}
