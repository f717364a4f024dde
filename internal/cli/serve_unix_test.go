//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestServeSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			path := filepath.Join(os.TempDir(), "bw-signal.sock")
			server := served(t, "pipe://"+path, "--lines", "--echo")
			client := start(t, "send", "pipe://"+path, "--lines", "--reply")
			client.Say("hello")
			client.Expect("hello")
			expectText(t, server, "hello")
			if err := server.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, server, 0)
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("the socket is still there: %v", err)
			}
			client.CloseInput()
			client.Wait()
		})
	}
}

func TestServeEndsACommandThatDoesNot(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--exec", `sh -c 'trap "" INT TERM; echo $$; exec sleep 1000'`)
	client := start(t, "send", url, "--reply")
	client.CloseInput()
	pid := client.Hear()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := parse(t, server.Hear()); e.Exit == nil || *e.Exit != -1 {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
	if _, err := os.Stat("/proc/" + pid); err == nil {
		t.Errorf("process %s still runs", pid)
	}
}

func TestServeStopsWhenNobodyReadsItsOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(os.TempDir(), "bw-epipe.sock")
	cmd := ipc(t, "serve", "pipe://"+path)
	cmd.Stdout = w
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Close()
	run(t, "", "send", "pipe://"+path, "hello")
	cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitError || !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("%v: %s", cmd.ProcessState, stderr.String())
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
