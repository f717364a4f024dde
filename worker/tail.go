package worker

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// tailSize is how much of what a worker has written last is kept for a [Crash].
const tailSize = 16 << 10

// tail passes on what a worker writes and keeps the last of it.
type tail struct {
	done chan struct{} // closed when the worker's end is closed
	r    *os.File

	mu  sync.Mutex
	buf []byte
	cut bool // the beginning is not there any more

	reason string // the last line of what was dropped that says why a program ends
	since  int    // bytes that were dropped after it
}

// sink is where all workers of a pool write to, one at a time.
type sink struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

func newTail(r *os.File, to io.Writer) *tail {
	t := &tail{done: make(chan struct{}), r: r}
	go t.run(to)
	return t
}

// run reads to the end, also if the writer fails. While the writer blocks, nothing is read,
// and a worker that writes more than the system keeps waits.
func (t *tail) run(to io.Writer) {
	defer close(t.done)
	defer t.r.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := t.r.Read(buf)
		t.keep(buf[:n])
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// end waits until all is read and passed on, but not for long: a child of the worker may
// hold its standard error, and what it is passed on to may not be read.
func (t *tail) end(patience time.Duration) {
	select {
	case <-t.done:
	case <-time.After(patience):
		t.r.Close()
	}
}

func (t *tail) keep(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if more := len(t.buf) - tailSize; more > 0 {
		if end := bytes.IndexByte(t.buf[more:], '\n'); end >= 0 && len(t.buf) > more+end+1 {
			more += end + 1 // whole lines
		}
		t.drop(t.buf[:more])
		t.buf = append(t.buf[:0], t.buf[more:]...)
		t.cut = true
	}
}

// longTrace is how long a trace may be whose first line is kept.
const longTrace = 1 << 20

// drop keeps the line of p that a trace begins with: that may be longer than the tail.
func (t *tail) drop(p []byte) {
	t.since += len(p)
	for line := range bytes.Lines(p) {
		if saysWhy(string(line)) {
			t.reason, t.since = string(line[:min(len(line), 1<<10)]), 0
		}
	}
	if t.since > longTrace {
		t.reason = ""
	}
}

// text returns whole lines.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf
	if t.cut {
		if end := bytes.IndexByte(b, '\n'); end >= 0 {
			b = b[end+1:]
		}
	}
	if t.reason != "" {
		return strings.TrimSuffix(t.reason, "\n") + "\n…\n" + string(b)
	}
	return string(b)
}
