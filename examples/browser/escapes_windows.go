package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesEscapes makes a console understand escape sequences.
func takesEscapes(console *os.File) error {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(console.Fd()), &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(windows.Handle(console.Fd()), mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
}
