//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestServeSignals(t *testing.T) {
	for _, sig := range endings {
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
	pid, err := strconv.Atoi(client.Hear())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := parse(t, server.Hear()); e.Exit == nil || *e.Exit != -1 {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d still runs", pid)
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

func TestServeModeAndAllow(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-mode")
	for _, test := range []struct {
		url  string
		args []string
		want os.FileMode
	}{
		{"pipe://" + path, nil, os.ModeSocket | 0o600},
		{"pipe://" + path, []string{"--mode", "0660"}, os.ModeSocket | 0o660},
		{"pipe://" + path, []string{"--allow", "0", "--allow", "@0"}, os.ModeSocket | 0o660},
		{"fifo://" + path, []string{"--mode", "622"}, os.ModeNamedPipe | 0o622},
	} {
		server := served(t, test.url, append(test.args, "--count", "1")...)
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != test.want {
			t.Errorf("%s %v: %v, %v", test.url, test.args, info.Mode(), err)
		}
		succeed(t, "", "send", test.url, "--no-newline", "x")
		expectText(t, server, "x")
		expectEnd(t, server, 0)
	}
	if r := run(t, "", "serve", "pipe://"+path, "--allow", "nobody-of-that-name"); r.code != exitError || !strings.Contains(r.stderr, "no such user") {
		t.Errorf("%+v", r)
	}
}

func TestServeFIFO(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-log")
	url := "fifo://" + path
	server := served(t, url, "--lines", "--until", "shutdown")
	if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeNamedPipe|0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, text := range []string{"one", "two", "shutdown"} { // each a writer of its own
		succeed(t, "", "send", url, text)
		if e := expectText(t, server, text); e.Peer != nil {
			t.Errorf("peer %+v", e.Peer)
		}
	}
	expectEnd(t, server, 0)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the FIFO is still there: %v", err)
	}
}

func TestServeFIFOThatExists(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-existing")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	server := start(t, "serve", "fifo://"+path, "--count", "1")
	if err := os.WriteFile(path, []byte("as any program writes"), 0); err != nil {
		t.Fatal(err)
	}
	if line := server.Hear(); !strings.HasSuffix(line, " fifo as any program writes") {
		t.Errorf("printed %q", line)
	}
	expectEnd(t, server, 0)
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

func TestServeFIFOSignal(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-fifo-signal")
	server := served(t, "fifo://"+path)
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, server, 0)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the FIFO is still there: %v", err)
	}
}

func TestServeFIFOLeavesFilesAlone(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-file")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	for _, verb := range []string{"serve", "send"} {
		if r := run(t, "x", verb, "fifo://"+path); r.code != exitError || !strings.Contains(r.stderr, "not a FIFO") {
			t.Errorf("%s: %+v", verb, r)
		}
	}
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

// A FIFO that does not exist yet is waited for, and so is its reader.
func TestSendWaitsForTheFIFO(t *testing.T) {
	path := filepath.Join(os.TempDir(), "bw-awaited")
	client := start(t, "send", "fifo://"+path, "--json", "hello")
	server := served(t, "fifo://"+path, "--count", "1")
	expectText(t, server, "hello\n")
	expectEnd(t, server, 0)
	if e := parse(t, client.Hear()); e.Drained != nil || e.Peer != nil || *e.Bytes != 6 || e.Address != path {
		t.Errorf("%+v", e)
	}
	expectEnd(t, client, 0)

	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	if r := run(t, "", "send", "fifo://"+path, "--timeout", "50ms", "x"); r.code != exitTimeout {
		t.Errorf("%+v", r)
	}
}

// What the server can't show, its clients don't take for read.
func TestSendFailsIfTheServerCannotShow(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system has no /dev/full, and doesn't say what was read")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	r, closed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	r.Close()
	for _, stdout := range []*os.File{full, closed} {
		for _, flags := range [][]string{nil, {"--lines"}, {"--message"}, {"--raw"}, {"--echo", "--lines"}} {
			url := uniqueURL()
			server := ipc(t, append([]string{"serve", url}, flags...)...)
			server.Stdout = stdout
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			client := []string{"send", url, "hello"}
			if slices.Contains(flags, "--message") {
				client = append(client, "--message")
			}
			if r := run(t, "", client...); r.code != exitError || !strings.Contains(r.stderr, "is lost") {
				t.Errorf("%v to %s: %+v", flags, stdout.Name(), r)
			}
			server.Wait()
			if code := server.ProcessState.ExitCode(); code != exitError {
				t.Errorf("%v to %s: the server exited with %d", flags, stdout.Name(), code)
			}
		}
	}
}
