package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestOnlyTheOwnerHasAccess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "idctl")
	if err := Folder(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "secrets.json")
	if err := Write(file, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "run.journal")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Dir(dir), file, plain} {
		sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
		if err != nil {
			t.Fatal(err)
		}
		list := sd.String()
		for _, entry := range strings.Split(list, "(")[1:] {
			if !strings.HasSuffix(entry, ";SY)") && !strings.Contains(entry, user.User.Sid.String()) {
				t.Errorf("%s: others have access: %s", path, list)
			}
		}
		if !strings.Contains(list, user.User.Sid.String()) {
			t.Errorf("%s: the owner has none: %s", path, list)
		}
	}
}
