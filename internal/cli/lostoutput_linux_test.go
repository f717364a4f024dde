package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// What couldn't be shown is an error, which is told once.
func TestLostOutputIsToldOnce(t *testing.T) {
	succeed(t, "", "create", syncURL(t, "event"))
	succeed(t, "", "create", syncURL(t, "event"))
	for _, words := range []string{
		"", "--help", "serve --help", "help serve", "--version", "completion bash",
		"ls", "ls --json", "ls event:// --json",
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := ipc(t, strings.Fields(words)...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = full, &stderr
		cmd.Run() // its code tells
		if code := cmd.ProcessState.ExitCode(); code != exitError || strings.Count(stderr.String(), syscall.ENOSPC.Error()) != 1 {
			t.Errorf("ipc %s: exit %d: %s", words, code, stderr.String())
		}
	}
}
