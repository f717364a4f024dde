//go:build unix

package cli

import (
	"strings"
	"syscall"
	"testing"
)

// A demo that is stopped still shows its table.
func TestDemoIsStopped(t *testing.T) {
	t.Setenv(endlessEnv, "1")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
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
