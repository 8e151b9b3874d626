//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// ownedByOther says whose a file is that is not this user's: sudo with the
// user's own HOME leaves such files behind.
func ownedByOther(info fs.FileInfo) (owner string, mine bool) {
	st, known := info.Sys().(*syscall.Stat_t)
	if !known || int(st.Uid) == os.Getuid() {
		return "", true
	}
	return strconv.FormatUint(uint64(st.Uid), 10), false
}
