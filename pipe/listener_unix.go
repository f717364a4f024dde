//go:build unix

package pipe

import (
	"net"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/local"
)

// listener is the listening socket below a Listener.
type listener struct {
	l        *local.Listener
	path     string
	cfg      *settings
	admitted access.Rule
}

func listen(path string, s *settings) (*listener, error) {
	l, err := local.Listen(path, s.access)
	if err != nil {
		return nil, err
	}
	if l.TookOver() {
		s.Logger.Info("took over the name of a server that had died", "path", path)
	}
	return &listener{l, path, s, s.access.ForFile(l.Made())}, nil
}

func (l *listener) tookOver() bool { return l.l.TookOver() }

func (l *listener) accept() (*stream, error) {
	for {
		c, err := l.l.AcceptUnix()
		if err != nil {
			return nil, explain(err)
		}
		if s, err := newStream(c, l.cfg); err == nil {
			return s, nil
		}
	}
}

// admit decides on a client that the kernel has let in by the rights of the socket's
// file. It refuses those that came in because the rights were changed after Listen.
func (l *listener) admit(_ *stream, peer breezeway.Peer) error { return l.admitted.Admit(peer) }

func (l *listener) close() error   { return l.l.Close() }
func (l *listener) addr() net.Addr { return Addr(l.path) }
