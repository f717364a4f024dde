package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"
)

const (
	// defaultTimeout is how long a client may say nothing, not even that it is alive.
	defaultTimeout = 10 * time.Second
	minTimeout     = 10 * time.Millisecond
)

// serve serves the room until ctx ends, and then takes leave of all members.
func serve(ctx context.Context, name string, timeout time.Duration, out io.Writer) error {
	l, err := pipe.Listen(name, nil)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("the room %s is served already: join it, or choose another name (%w)", name, err)
	} else if err != nil {
		return err
	}
	defer l.Close()
	s := &server{timeout: timeout, out: out, room: room{members: map[string]*member{}}}
	s.log("serving %s at %v; Ctrl-C ends it", name, l.Addr())

	// Members learn why their context ends.
	members, end := context.WithCancelCause(context.Background())
	defer context.AfterFunc(ctx, func() { end(reasonClosing) })()
	err = s.accept(ctx, members, l)
	end(reasonClosing)
	l.Close() // the name is free before the last member has gone
	s.serving.Wait()
	if ctx.Err() != nil {
		s.log("closed")
		return nil
	}
	return err
}

type server struct {
	timeout time.Duration
	room    room
	serving sync.WaitGroup

	logging sync.Mutex
	out     io.Writer
}

// accept serves each client in a goroutine of its own until ctx ends, which ends the wait
// for a client too.
func (s *server) accept(ctx, members context.Context, l *pipe.Listener) error {
	for {
		conn, err := l.AcceptContext(ctx)
		if err != nil {
			return err
		}
		s.serving.Go(func() { s.receive(members, conn) })
	}
}

// receive meets a client at the door, and stays with it until it goes.
func (s *server) receive(ctx context.Context, conn *pipe.Conn) {
	l := newLines(conn, maxToServer)
	defer l.Close()
	name, err := s.askName(ctx, l)
	if err != nil {
		s.refuse(l, err)
		return
	}
	m := newMember(ctx, l, name, s.timeout)
	if err := s.room.enter(m); err != nil {
		m.cancel(nil)
		s.refuse(l, err)
		return
	}
	s.log("%s joined (%v)", name, conn.Peer())
	go m.write()
	why := m.listen(&s.room)
	s.room.leave(m, why)
	s.log("%s %v", name, why)
	m.dismiss(why)
}

// askName waits for a client's first line.
func (s *server) askName(ctx context.Context, l *lines) (string, error) {
	l.SetReadDeadline(time.Now().Add(s.timeout))
	defer context.AfterFunc(ctx, func() { l.SetReadDeadline(time.Unix(1, 0)) })()
	word, name, err := l.receive()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", reasonOf(err)
	case word != lineJoin:
		return "", fmt.Errorf("the first line has to be %s NAME", lineJoin)
	}
	return name, checkName(name)
}

func (s *server) refuse(l *lines, err error) {
	s.log("refused a client: %v", err)
	l.send(closeGrace, fmt.Sprintf("%s %v", lineRefused, err)) // it may have gone
}

func (s *server) log(format string, args ...any) {
	s.logging.Lock()
	defer s.logging.Unlock()
	fmt.Fprintln(s.out, printable(fmt.Sprintf(format, args...)))
}
