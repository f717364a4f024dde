package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	startTime = 15 * time.Second // for a store to serve
	endTime   = drain + 2*time.Second
	seenTime  = time.Second // until a lost connection's process is known to have ended
)

// child is a store's process that this process started. A nil child is one that another
// keeper's store made unnecessary.
type child struct {
	cmd    *exec.Cmd
	file   string
	stdin  io.Closer // what keeps it running
	stderr lastLine
	done   chan struct{} // closed when it has ended
}

// startChild starts a store, and returns when it serves; nil if another process does.
func startChild(ctx context.Context, file string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{file: file, cmd: exec.Command(program, Command, "--file", file), done: make(chan struct{})}
	c.cmd.Stderr = &c.stderr
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	said := make(chan string, 1)
	go func() {
		out := bufio.NewReader(io.LimitReader(stdout, 1024))
		line, _ := out.ReadString('\n')
		said <- strings.TrimSpace(line)
		io.Copy(io.Discard, stdout)
		c.cmd.Wait()
		close(c.done)
	}()
	return c.awaitReady(ctx, said)
}

// awaitReady waits until the process says that it serves.
func (c *child) awaitReady(ctx context.Context, said <-chan string) (*child, error) {
	select {
	case line := <-said:
		if line == ready {
			return c, nil
		}
	case <-time.After(startTime):
		c.cmd.Process.Kill()
		<-c.done
		return nil, fmt.Errorf("it did not begin to serve within %v", startTime)
	case <-ctx.Done():
		c.end()
		return nil, context.Cause(ctx)
	}
	c.end()
	switch {
	case c.cmd.ProcessState.ExitCode() == exitTaken:
		return nil, nil
	case c.stderr.crash():
		return nil, fmt.Errorf("the store crashed, perhaps since its file %s is damaged (%s)", c.file, &c.stderr)
	case c.stderr.String() != "":
		return nil, errors.New(c.stderr.String())
	}
	return nil, errors.New(c.cmd.ProcessState.String())
}

// lives reports whether the process is known to run.
func (c *child) lives() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// reason says how a process ended whose connection is lost, "" if it has not ended.
func (c *child) reason() string {
	if c == nil {
		return ""
	}
	select {
	case <-c.done:
		return c.cmd.ProcessState.String()
	case <-time.After(seenTime):
		return ""
	}
}

// end ends the process: it finishes what it is asked already.
func (c *child) end() {
	if c == nil {
		return
	}
	c.stdin.Close()
	select {
	case <-c.done:
	case <-time.After(endTime):
		c.cmd.Process.Kill()
		<-c.done
	}
}

// lastLine keeps the end of what is written to it, and tells the line of it that says most.
type lastLine struct {
	mu   sync.Mutex
	text string
}

func (l *lastLine) Write(p []byte) (int, error) {
	const most = 16 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(p)
	l.text = l.text[max(0, len(l.text)-most):]
	return len(p), nil
}

// String returns the last line, or the one with which Go began to tell of a crash.
func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(l.text), "\n")
	if i := slices.IndexFunc(lines, tellsCrash); i >= 0 {
		return lines[i]
	}
	return lines[len(lines)-1]
}

// crash reports whether the process has crashed.
func (l *lastLine) crash() bool { return tellsCrash(l.String()) }

func tellsCrash(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}
