//go:build !windows

package cli

import "syscall"

// detached is a process in a session of its own: closing the terminal or
// Ctrl-C there does not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
