package pipe

import (
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Pair makes a connection that has no name: conn is this process's end, and child the
// other one, for a process that this one starts. Pass child as [Inherit] passes a pipe,
// on Unix in exec.Cmd's ExtraFiles, close it after the start, and open it there with
// [FromFile]. The caller closes both.
//
// Of cfg it uses what both ends of a connection use. [Conn.Peer] of both ends is the
// process that called Pair. It is for Unix: [errors.ErrUnsupported] on Windows, where
// [Start] connects a child.
func Pair(cfg *Config) (conn *Conn, child *os.File, err error) {
	s, err := cfg.settings()
	if err == nil {
		conn, child, err = makePair(&s)
	}
	if err != nil {
		return nil, nil, fail.With(breezeway.OpNew, kindPipe, "", err)
	}
	return conn, child, nil
}

// FromFile returns the connection whose descriptor was inherited as f, one of the ends
// that [Pair] made. It takes f over, also if it fails. What is no Unix socket is
// [breezeway.ErrMismatch].
func FromFile(f *os.File, cfg *Config) (*Conn, error) {
	s, err := cfg.settings()
	var c *Conn
	if err == nil {
		c, err = fromFile(f, &s)
	}
	if err != nil {
		return nil, fail.With(breezeway.OpInherited, kindPipe, "", err)
	}
	return c, nil
}
