package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// The exit codes that every verb has.
const (
	exitError   = 1
	exitUsage   = 2
	exitTimeout = 3
)

// The exit codes of verbs that run a command and pass its code on: for what went
// wrong with the command as shells have them, otherwise as timeout(1) does.
const (
	exitTimedOut = 124
	exitOurs     = 125 // ipc itself failed
	exitCantRun  = 126
	exitNotFound = 127
	exitSignal   = 128 // plus the signal's number
	sigpipe      = 13
)

// exit is an error that says which code the command exits with. Without err
// nothing is printed.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usagef returns an error of wrong usage.
func usagef(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// exitOf returns the exit code of an error, and what to print.
func exitOf(err error) *exit {
	var e *exit
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &timeout) && timeout.Timeout():
		return &exit{exitTimeout, err}
	}
	return &exit{exitError, err}
}

// startFailure is why a command could not be started, with the exit code that
// shells have for it.
func startFailure(err error) error {
	code := exitCantRun
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	return &exit{code, err}
}

// codeOf returns a process's exit code as a shell has it.
func codeOf(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return exitSignal + int(ws.Signal())
	}
	return state.ExitCode()
}
