package ipctest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for another process before it calls it
// hung. It only bounds failures: no passing test waits for it.
const Patience = 60 * time.Second

// Process is another process that a test started, and a line to it.
type Process struct {
	*exec.Cmd
	t      testing.TB
	name   string
	in     io.WriteCloser
	lines  chan string
	stderr *lockedBuffer

	done chan struct{}
	err  error
}

// Start runs a helper of this test binary as a process of its own. When the test
// is over the helper is told to end; what does not end is killed.
func Start(t testing.TB, helper string, args ...string) *Process {
	t.Helper()
	return StartCommand(t, HelperCommand(t, helper, args...))
}

// HelperCommand returns the command that runs a helper, for tests that start it
// their own way.
func HelperCommand(t testing.TB, helper string, args ...string) *exec.Cmd {
	t.Helper()
	if helpers[helper] == nil {
		t.Fatalf("no helper %q", helper)
	}
	usedMu.Lock()
	used[helper] = true
	usedMu.Unlock()
	exe, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), helperEnv+"="+helper,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // under -race every exit takes a second otherwise
	return cmd
}

// StartCommand runs any command the same way.
func StartCommand(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{
		Cmd: cmd, t: t, name: cmd.Args[0],
		lines:  make(chan string, 1024),
		stderr: new(lockedBuffer),
		done:   make(chan struct{}),
	}
	if h := helperOf(cmd); h != "" {
		p.name = h
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	// Our own pipe, not StdoutPipe: Wait must not close it before it was read.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if cmd.Stderr == nil {
		cmd.Stderr = p.stderr
	}
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		r.Close()
		w.Close()
		t.Fatal(err)
	}
	w.Close()
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(p.lines)
		defer r.Close()
		for in := bufio.NewReader(r); ; {
			line, err := in.ReadString('\n')
			if line = strings.TrimRight(line, "\r\n"); line != "" || err == nil {
				p.lines <- line
			}
			if err != nil {
				return
			}
		}
	})
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.CloseInput()
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			t.Logf("%s did not end when told to and was killed", p.name)
			p.Kill()
		}
		r.Close()
		go func() {
			for range p.lines {
			}
		}()
		reading.Wait()
		if t.Failed() && p.stderr.String() != "" {
			t.Logf("%s wrote to stderr:\n%s", p.name, p.stderr)
		}
	})
	return p
}

func helperOf(cmd *exec.Cmd) string {
	for _, v := range cmd.Env {
		if name, ok := strings.CutPrefix(v, helperEnv+"="); ok {
			return name
		}
	}
	return ""
}

// Say sends the process a line on its standard input.
func (p *Process) Say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("%s: can't say %q: %v; stderr: %s", p.name, line, err, p.stderr)
	}
}

// CloseInput ends the process's standard input.
func (p *Process) CloseInput() { p.in.Close() }

// Hear returns the next line that the process prints, and fails the test if it
// ends or says nothing.
func (p *Process) Hear() string {
	p.t.Helper()
	line, ok := p.TryHear()
	if !ok {
		p.t.Fatalf("%s ended without a word (%v); stderr: %s", p.name, p.Wait(), p.stderr)
	}
	return line
}

// TryHear is Hear that reports false at the end of the output.
func (p *Process) TryHear() (line string, ok bool) {
	p.t.Helper()
	select {
	case line, ok = <-p.lines:
		return line, ok
	case <-time.After(Patience):
		p.t.Fatalf("%s has said nothing for %v; stderr: %s", p.name, Patience, p.stderr)
		return "", false
	}
}

// Expect fails the test unless the next line is want.
func (p *Process) Expect(want string) {
	p.t.Helper()
	if got := p.Hear(); got != want {
		p.t.Fatalf("%s said %q, want %q; stderr: %s", p.name, got, want, p.stderr)
	}
}

// Wait waits for the process to end and returns what [exec.Cmd.Wait] did. It
// may be called many times.
func (p *Process) Wait() error {
	p.t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(Patience):
		p.t.Fatalf("%s has not ended within %v; stderr: %s", p.name, Patience, p.stderr)
		return errors.New("not reached")
	}
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	p.Process.Kill()
	<-p.done
	p.in.Close()
}

// Stderr returns what the process has written there so far.
func (p *Process) Stderr() string { return p.stderr.String() }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
