package ipcbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
)

// session measures one row, with a peer of its own.
type session struct {
	row       Row
	transport *transport
	dir       string
	cpu       int // of the peer; -1 means any
	time      time.Duration
	ready     func(peer *os.Process) // or nil

	cmd     *exec.Cmd
	stderr  strings.Builder
	control io.WriteCloser
	replies chan reply
	killed  atomic.Bool // by this process

	inherited *inherited // nil if the transport has none
	limit     float64    // of a bounce, in nanoseconds
}

// peersEnd is how the peer has ended.
type peersEnd struct {
	said error // what it said was wrong
	wait error
}

// signalPatience is how long it may take until a signal to both processes has ended the
// context of this one.
const signalPatience = 100 * time.Millisecond

// patience is how long a peer may take to end after its row; after one that has failed,
// it may not notice.
const (
	patience      = 10 * time.Second
	afterAFailure = time.Second
)

var errPeerStays = errors.New("the peer process did not end when its row had")

func (s *session) measure(ctx context.Context) error {
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e := &end{mode: s.row.Mode, size: s.row.Size, dir: s.dir, ctx: own, stopped: new(atomic.Bool)}
	defer context.AfterFunc(own, func() { e.stopped.Store(true) })()
	line, err := mapLine(e.path(lineFile))
	if err != nil {
		return err
	}
	defer line.Close()
	stdout, err := s.start(e)
	if err != nil {
		return err
	}
	ended := make(chan peersEnd, 1)
	go func() { ended <- s.attend(stdout, cancel) }()
	err = s.converse(e, line)
	defer time.AfterFunc(patienceAfter(ctx, err), s.kill).Stop()
	p := <-ended
	s.transport.removeObjects(s.dir)
	s.control.Close() // not before: a peer whose input ends removes what the run has made
	return s.verdict(ctx, err, p)
}

func patienceAfter(ctx context.Context, err error) time.Duration {
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		return afterAFailure
	}
	return patience
}

// verdict returns the error of the row: what ended ctx, or what the peer knows of it, says
// more than what this process's part failed with because of that.
func (s *session) verdict(ctx context.Context, err error, p peersEnd) error {
	died := p.wait != nil && !s.killed.Load()
	if died {
		// Ctrl-C just after the peer was started ends it, and is about to end ctx.
		select {
		case <-ctx.Done():
		case <-time.After(signalPatience):
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case p.said != nil:
		return p.said
	case died:
		return fmt.Errorf("%w (%w)%s", errPeerEnded, p.wait, s.complaint())
	case err == nil && s.killed.Load():
		return errPeerStays
	}
	return err
}

// kill ends a peer that doesn't end by itself.
func (s *session) kill() {
	s.killed.Store(true)
	s.cmd.Process.Kill()
}

// complaint returns what the peer has written to its standard error.
func (s *session) complaint() string {
	if text := strings.TrimSpace(s.stderr.String()); text != "" {
		return ": " + text
	}
	return ""
}

// start starts the peer.
func (s *session) start(e *end) (stdout io.Reader, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s.replies = make(chan reply, 1)
	s.cmd = exec.Command(exe, Verb)
	s.cmd.Stderr = &s.stderr
	s.cmd.WaitDelay = time.Second
	if s.transport.inherit != nil {
		if s.inherited, err = s.transport.inherit(e, s.cmd); err != nil {
			return nil, err
		}
		defer s.inherited.started()
	}
	if s.control, err = s.cmd.StdinPipe(); err == nil {
		stdout, err = s.cmd.StdoutPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil && s.inherited != nil {
		err = errors.Join(err, s.inherited.link.Close())
	}
	return stdout, err
}

// attend hears what the peer says until it has ended, and ends the row then.
func (s *session) attend(stdout io.Reader, cancel context.CancelCauseFunc) (p peersEnd) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var r reply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		if r.Error != "" {
			p.said = errors.New(r.Error)
			continue
		}
		select {
		case s.replies <- r:
		default: // it says only once that it is ready
		}
	}
	cancel(errPeerEnded)
	p.wait = s.cmd.Wait()
	return p
}

var errPeerEnded = errors.New("the peer process has ended")

// say says a line to the peer.
func (s *session) say(line string) error {
	_, err := io.WriteString(s.control, line+"\n")
	return err
}

// converse is this process's part of the row.
func (s *session) converse(e *end, line *line) (err error) {
	l, err := s.connect(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if s.ready != nil {
		s.ready(s.cmd.Process)
	}
	t := &traffic{link: l, size: s.row.Size}
	limit := bench.Contender{Name: "bounce", Run: line.bounce(e), Stream: true, Begin: func() error {
		line.begin()
		return s.say(bounceWindow)
	}, End: func() error { return line.end(e) }}
	trips := bench.Contender{Name: "round trip", Run: t.roundTrips, Bytes: t.size, PeerPID: s.cmd.Process.Pid, End: t.end, Begin: func() error {
		t.begin()
		return s.say(trafficWindow)
	}}
	stream := trips
	stream.Name, stream.Run, stream.Stream = "stream", t.stream, true
	r, err := bench.AtLimit(e.ctx, limit, trips, stream, s.time, &bench.Config{Window: s.time / windowsPerRow})
	if err != nil {
		return err
	}
	s.row.set(r)
	s.limit = r.Limit.PerOp.Median
	return s.say(endOfRow)
}

// windowsPerRow is how many windows of the longest length a row has room for.
const windowsPerRow = 16

// connect tells the peer what to do, and returns the link to it.
func (s *session) connect(e *end) (link, error) {
	do := task{Transport: s.transport.name, Mode: e.mode, Size: e.size, Dir: e.dir, CPU: s.cpu}
	if s.inherited != nil {
		do.Handles = s.inherited.handles
	}
	text, err := json.Marshal(do)
	if err == nil {
		err = s.say(string(text))
	}
	if err == nil {
		select {
		case r := <-s.replies:
			e.address = r.Address
		case <-e.ctx.Done():
			err = e.stop()
		}
	}
	switch {
	case s.inherited == nil && err != nil:
		return nil, err
	case s.inherited == nil:
		return s.transport.dial(e)
	case err != nil:
		return nil, errors.Join(err, s.inherited.link.Close())
	}
	return s.inherited.link, nil
}
