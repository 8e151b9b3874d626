package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Windows has access lists in place of modes. A file or folder that is made here
// gets one that is inherited from nowhere: full control for the user who runs the
// program and for the system, nothing for others.

// Folder makes a folder, and those above it that are missing, for their owner
// alone. Folders that exist are left as they are.
func Folder(dir string) error {
	var missing []string
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, os.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		missing = append(missing, at)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, made := range missing {
		if err := ownerOnly(made, "OICI"); err != nil {
			return err
		}
	}
	return nil
}

func restrict(f *os.File) error { return ownerOnly(f.Name(), "") }

// ownerOnly sets the access list. inherit are the flags by which what is made in
// a folder later has the same list.
func ownerOnly(path, inherit string) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("restrict %s: who runs this program is unknown: %w", path, err)
	}
	sd, err := windows.SecurityDescriptorFromString(fmt.Sprintf("D:P(A;%[1]s;FA;;;%[2]s)(A;%[1]s;FA;;;SY)", inherit, user.User.Sid))
	if err != nil {
		return fmt.Errorf("restrict %s: %w", path, err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		return fmt.Errorf("restrict %s: %w", path, err)
	}
	err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
	// A file system without lists (FAT) cannot do better; the folder's owner knows.
	if errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("restrict %s: %w", path, err)
	}
	return nil
}
