package iostreams

import (
	"os"

	"golang.org/x/sys/windows"
)

// ready makes a console understand escape sequences; false for one that cannot,
// as before Windows 10. A Cygwin or MSYS terminal, which is a pipe here, can.
func ready(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return true // no console of Windows
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
