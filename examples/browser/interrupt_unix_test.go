//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Ctrl-C goes to all processes of the terminal; the browser ends, and with it the others.
func TestInterrupted(t *testing.T) {
	p := start(t, "waves", "balls")
	p.awaitFrames(waves1, 3)
	p.awaitFrames("tab 2, balls", 3) // now both have processes
	for _, r := range p.tasks()[1:] {
		worker, err := os.FindProcess(r.pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Signal(os.Interrupt); err != nil {
			t.Errorf("%s: %v", r.role, err)
		}
		worker.Release()
	}
	p.awaitFrames(waves1, 3) // the browser alone decides
	if err := p.Cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.Stderr())
	}
}

// A device or a FIFO is no picture's place: a rename would put a file there instead.
func TestPictureReplacesFilesOnly(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "flag")
	p.awaitFrames("tab 1, flag", 1)
	if _, result := p.ask("png " + fifo); !strings.Contains(result, "no file that may be replaced") {
		t.Error(result)
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the FIFO is %v, %v", info, err)
	}
	quit(t, p)
}
