//go:build linux || darwin || freebsd

package doctor

import "syscall"

// freeSpace is what an ordinary user may still write at dir.
func freeSpace(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	// Signed on some systems, and below nothing where root has taken the rest.
	return uint64(max(0, int64(st.Bavail))) * uint64(st.Bsize), nil //nolint:gosec // not below nothing
}
