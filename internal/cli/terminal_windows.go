package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsANSI asks the console to obey escape sequences, as Windows 10 and
// later can.
func understandsANSI(f *os.File) bool {
	h := windows.Handle(f.Fd())
	var mode uint32
	return windows.GetConsoleMode(h, &mode) == nil &&
		windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
