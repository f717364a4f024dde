package endpoint

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stdioScheme is standard input and output. A process has them once.
var stdioScheme = Scheme{
	Name: "stdio", nameless: true, check: noName,
	Listen:   func(context.Context, *URL) (net.Listener, error) { return listenStdio() },
	Dial:     func(context.Context, *URL) (net.Conn, error) { return dialStdio() },
	DialWait: func(context.Context, *URL) (net.Conn, error) { return dialStdio() },
}

func noName(u *URL) error {
	if u.Name != "" {
		return invalid("%s:// stands for standard input and output, and has no name", u.Scheme)
	}
	return nil
}

var stdioTaken atomic.Bool

func dialStdio() (net.Conn, error) {
	if stdioTaken.Swap(true) {
		return nil, fmt.Errorf("standard input and output are taken: a process opens stdio:// once (%w)", os.ErrExist)
	}
	return newStdioConn(os.Stdin, os.Stdout), nil
}

// stdioListener accepts one connection, which exists already. Accept then waits until that
// is closed, so that a server that ends when Accept fails has served it.
type stdioListener struct {
	conns chan net.Conn // gets one
	over  chan struct{}
	once  sync.Once
}

func listenStdio() (net.Listener, error) {
	c, err := dialStdio()
	if err != nil {
		return nil, err
	}
	l := &stdioListener{conns: make(chan net.Conn, 1), over: make(chan struct{})}
	l.conns <- listenedConn{c, l}
	return l, nil
}

func (l *stdioListener) Accept() (net.Conn, error) {
	select {
	case <-l.over:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *stdioListener) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}

func (l *stdioListener) Addr() net.Addr { return stdioAddress }

// listenedConn is the connection of a listener, which closes with it.
type listenedConn struct {
	net.Conn
	l *stdioListener
}

func (c listenedConn) Close() error {
	err := c.Conn.Close()
	c.l.Close()
	return err
}

var stdioAddress = address{"stdio", "stdio://"}

// stdioConn is a pair of files as a connection. A Read of one, or a Write, may not be
// possible to end: a goroutine for each has it, and stays there if it must until the
// process ends.
type stdioConn struct {
	in, out    net.Conn // our ends of pipes to these goroutines
	inEnd      endReason
	outEnd     endReason
	writing    sync.Mutex
	unanswered int // pieces that were handed to the goroutine, without word of them
}

// endReason is why a goroutine ended, which it says before it closes its end.
type endReason struct{ atomic.Pointer[error] }

func (r *endReason) or(err error) error {
	if reason := r.Load(); reason != nil {
		return *reason
	}
	return err
}

// pieceSize is the most that the goroutine that writes takes at a time.
const pieceSize = 64 << 10

func newStdioConn(from io.Reader, to io.Writer) *stdioConn {
	c := &stdioConn{}
	var in, out net.Conn
	c.in, in = net.Pipe()
	c.out, out = net.Pipe()
	go func() {
		defer in.Close()
		if _, err := io.Copy(in, from); err != nil {
			c.inEnd.Store(&err)
		}
	}()
	go func() {
		defer out.Close()
		if err := writePieces(out, to); err != nil {
			c.outEnd.Store(&err)
		}
	}()
	return c
}

// writePieces writes what comes, each piece of which it answers with a byte.
func writePieces(from net.Conn, to io.Writer) error {
	piece := make([]byte, pieceSize)
	for {
		n, err := from.Read(piece)
		if err != nil {
			return nil
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return err
		}
		if _, err := from.Write(piece[:1]); err != nil {
			return nil
		}
	}
}

func (c *stdioConn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if err == io.EOF {
		err = c.inEnd.or(err)
	}
	return n, err
}

// Write returns when the system has p. What a deadline leaves underway may be written
// still.
func (c *stdioConn) Write(p []byte) (written int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for err == nil && len(p) > 0 {
		piece := p[:min(len(p), pieceSize)]
		if err = c.writePiece(piece); err == nil {
			written += len(piece)
			p = p[len(piece):]
		}
	}
	if err == io.EOF {
		err = c.outEnd.or(net.ErrClosed)
	}
	return written, err
}

func (c *stdioConn) writePiece(piece []byte) error {
	if err := c.awaitAnswers(); err != nil {
		return err
	}
	n, err := c.out.Write(piece)
	if n > 0 {
		c.unanswered++
	}
	if err == io.ErrClosedPipe {
		err = c.outEnd.or(err)
	}
	return cmp.Or(err, c.awaitAnswers())
}

func (c *stdioConn) awaitAnswers() error {
	for ; c.unanswered > 0; c.unanswered-- {
		if _, err := io.ReadFull(c.out, make([]byte, 1)); err != nil {
			return err
		}
	}
	return nil
}

func (c *stdioConn) Close() error {
	c.in.Close()
	return c.out.Close()
}

func (c *stdioConn) LocalAddr() net.Addr  { return stdioAddress }
func (c *stdioConn) RemoteAddr() net.Addr { return stdioAddress }

func (c *stdioConn) SetReadDeadline(t time.Time) error  { return c.in.SetDeadline(t) }
func (c *stdioConn) SetWriteDeadline(t time.Time) error { return c.out.SetDeadline(t) }
func (c *stdioConn) SetDeadline(t time.Time) error {
	return cmp.Or(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
