package provider

import (
	"errors"
	"os"

	"github.com/idctl/idctl/pkg/scim"
)

// Spool opens a file for scim.Options.Spool in the folder for temporary files,
// readable by its owner alone. The file has no name where the system allows
// that, so that nothing stays behind when the process is killed; elsewhere it
// goes when it is closed.
func Spool() (scim.Spool, error) {
	f, err := os.CreateTemp("", "idctl-list-*")
	if err != nil {
		return nil, err
	}
	return &spool{File: f, named: os.Remove(f.Name()) != nil}, nil
}

type spool struct {
	*os.File
	named bool
}

func (s *spool) Close() error {
	err := s.File.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	return err
}
