//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDemoInterrupted(t *testing.T) {
	demo, server := sleeping(t)
	if err := demo.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; {
		_, ok = demo.TryHear()
	}
	expectEnd(t, demo, exitError)
	expectDeath(t, server)
	expectNoTraces(t)
}

// Processes whose demo is killed end too.
func TestDemoKilled(t *testing.T) {
	demo, server := sleeping(t)
	demo.Kill()
	expectDeath(t, server)
	path := server.RemoteAddr().String() // nobody was left to remove these
	for _, err := range []error{os.Remove(path), os.Remove(filepath.Dir(path))} {
		if err != nil {
			t.Error(err)
		}
	}
}
