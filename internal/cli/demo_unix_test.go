//go:build unix

package cli

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A demo that is stopped still shows its table.
func TestDemoIsStopped(t *testing.T) {
	t.Setenv(endlessEnv, "1")
	for _, sig := range endings {
		p := start(t, "demo")
		p.Expect(`endless          server[1]         waits \x1b[2J`)
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"",
			"mechanism  what crossed  p50      p99      verdict",
			"endless                  -        -        failed: ",
			"quick      one           0.40 µs  12.3 µs  ok",
		} {
			if got := p.Hear(); !strings.HasPrefix(got, want) || strings.Contains(got, "\x1b") {
				t.Errorf("%v: %q, want %q", sig, got, want)
			}
		}
		expectEnd(t, p, exitError)
	}
}

// A demo whose output is lost says so.
func TestDemoCannotWrite(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full")
	}
	t.Setenv(quickEnv, "1")
	for _, args := range [][]string{{"demo"}, {"demo", "--json"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := ipc(t, args...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = full, &stderr
		cmd.Run() // its code tells
		if code := cmd.ProcessState.ExitCode(); code != exitError || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), syscall.ENOSPC.Error()) {
			t.Errorf("ipc %q: exit %d: %s", args, code, stderr.String())
		}
	}
}
