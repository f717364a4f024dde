package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// Server executes calls of clients. All methods may be called concurrently.
type Server struct {
	cfg     settings
	objects registry
	slots   chan struct{} // has an element for each connection of Serve
	closed  chan struct{} // with closing

	mu        sync.Mutex
	closing   bool
	listeners map[*net.Listener]bool // pointers: not every Listener can be a key
	shaking   map[*net.Conn]bool     // those whose handshake is not over
	links     map[*link]bool
	gone      chan struct{} // closed when the last of links has gone; nil if none waits

	accepted, refused atomic.Int64
}

// ServerStats is what a [Server] has done so far.
type ServerStats struct {
	Accepted int64 // connections that it began to serve
	Refused  int64 // connections that it refused without serving them
	Open     int   // connections now
}

// NewServer returns a server without objects. A bad Config is [os.ErrInvalid].
func NewServer(cfg *Config) (*Server, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, failed(breezeway.OpNew, "", err)
	}
	return &Server{
		cfg: s, slots: make(chan struct{}, s.MaxConns), closed: make(chan struct{}),
		listeners: map[*net.Listener]bool{}, shaking: map[*net.Conn]bool{}, links: map[*link]bool{},
	}, nil
}

// errNoServer is the error of a Server that is nil or zero.
var errNoServer = fmt.Errorf("the Server is nil or zero; use one that NewServer returned (%w)", os.ErrInvalid)

func (s *Server) valid() bool { return s != nil && s.links != nil }

// Register makes the exported methods of a value available under a name: method Add of
// "Calc" is "Calc.Add" on the wire. A method may take a [context.Context] first, which ends
// when the caller cancels the call or the connection ends, and then any number of arguments
// that JSON can carry. It returns nothing, a result, an error, or both. A result of type
// [iter.Seq] or [iter.Seq2] with an error is a stream. Other methods are left out, and
// a value that has no other ones is [os.ErrInvalid]; a name that is taken is [os.ErrExist].
//
// Methods are called concurrently. Every client may call every one of them: hand out a type
// that has those alone that are meant, and use [Config.Intercept] to tell callers apart.
func (s *Server) Register(name string, object any) error {
	if !s.valid() {
		return failed(breezeway.OpRegister, name, errNoServer)
	}
	return failed(breezeway.OpRegister, name, s.objects.object(name, object))
}

// RegisterFunc makes a function available under a name of its own, which need not have a
// dot. Its signature is one that a method could have.
func (s *Server) RegisterFunc(name string, f any) error {
	if !s.valid() {
		return failed(breezeway.OpRegister, name, errNoServer)
	}
	return failed(breezeway.OpRegister, name, s.objects.function(name, f))
}

// Serve serves the connections of a listener until the listener or the server is closed,
// and then returns nil. It closes l. Connections that have not ended go on: see Shutdown.
//
// While [Config.MaxConns] connections are open, others wait.
//
// A plain TCP listener without Token and Insecure is [os.ErrPermission].
func (s *Server) Serve(l net.Listener) error {
	if !s.valid() {
		return failed(breezeway.OpServe, "", errNoServer)
	}
	if l == nil {
		return failed(breezeway.OpServe, "", fmt.Errorf("the listener is nil (%w)", os.ErrInvalid))
	}
	defer l.Close()
	if err := s.enter(&l); err != nil {
		return failed(breezeway.OpServe, l.Addr().String(), err)
	}
	defer s.leave(&l)
	var pause watch.Backoff
	for {
		c, err := l.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = watch.Backoff{}
			if !s.takeSlot() {
				c.Close()
				return nil
			}
			go s.serve(c)
		case s.isClosing() || errors.Is(err, net.ErrClosed):
			return nil
		case errors.As(err, &passing) && passing.Temporary():
			pause.Sleep(context.Background()) // out of descriptors, perhaps
		default:
			return failed(breezeway.OpServe, l.Addr().String(), err)
		}
	}
}

// takeSlot waits while MaxConns connections are open, and reports false at the end.
func (s *Server) takeSlot() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	case <-s.closed:
		return false
	}
}

func (s *Server) enter(l *net.Listener) error {
	if _, plain := (*l).(*net.TCPListener); plain && !s.cfg.Insecure && s.cfg.Token == "" {
		return fmt.Errorf("every user of the machine can connect to a TCP port; set %s, use TLS with client certificates, or set %s (%w)",
			fail.Go("Config.Token"), fail.Go("Config.Insecure"), os.ErrPermission)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return net.ErrClosed
	}
	s.listeners[l] = true
	return nil
}

func (s *Server) leave(l *net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Server) serve(c net.Conn) {
	defer func() { <-s.slots }()
	if err := s.ServeConn(c); err != nil {
		s.cfg.Logger.Debug("rpc: connection ended", "address", addressOf(c), "error", err)
	}
}

// ServeConn serves one connection until it ends, and closes it. It returns nil if the
// client closed it, or the server drained.
func (s *Server) ServeConn(c net.Conn) error {
	if !s.valid() {
		return failed(breezeway.OpServe, "", errNoServer)
	}
	if c == nil {
		return failed(breezeway.OpServe, "", fmt.Errorf("the connection is nil (%w)", os.ErrInvalid))
	}
	defer c.Close()
	verified, err := s.shakeHands(c)
	if err != nil {
		s.refused.Add(1)
		s.cfg.Logger.Warn("rpc: connection refused", "address", addressOf(c), "error", err)
		return failed(breezeway.OpServe, addressOf(c), err)
	}
	l := newLink(c, &s.cfg, &s.objects, true)
	l.authorized.Store(s.cfg.Token == "" && (s.cfg.Insecure || verified || isLocal(c)))
	if !s.add(l) {
		return failed(breezeway.OpServe, addressOf(c), net.ErrClosed)
	}
	if !l.authorized.Load() {
		l.awaitToken()
	}
	err = l.run()
	s.remove(l)
	if errors.Is(err, net.ErrClosed) || isEnd(err) {
		return nil
	}
	return failed(breezeway.OpServe, addressOf(c), err)
}

// shakeHands completes the handshake of TLS, and reports whether the client showed a
// certificate that was verified.
func (s *Server) shakeHands(c net.Conn) (verified bool, err error) {
	if t, ok := c.(interface{ HandshakeContext(context.Context) error }); ok {
		if !s.beginHandshake(&c) {
			return false, net.ErrClosed
		}
		defer s.endHandshake(&c)
		ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ReadTimeout)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			return false, explainTLS(err, serverTrust)
		}
	}
	state := tlsOf(c)
	return state != nil && len(state.VerifiedChains) > 0, nil
}

// beginHandshake lets Close end a handshake.
func (s *Server) beginHandshake(c *net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shaking[c] = true
	return !s.closing
}

func (s *Server) endHandshake(c *net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.shaking, c)
}

func (s *Server) add(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.accepted.Add(1)
	s.links[l] = true
	return true
}

func (s *Server) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
	if len(s.links) == 0 && s.gone != nil {
		close(s.gone)
		s.gone = nil
	}
}

// Shutdown ends the server gracefully: it closes the listeners, refuses new calls with
// CodeShuttingDown, and closes each connection when what runs there is answered. New
// notifications are not executed. A client has a second to close its end when it has read
// the last answer. If ctx
// ends before, it closes the server and returns the cause.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.valid() {
		return failed(breezeway.OpClose, "", errNoServer)
	}
	gone, links := s.stop()
	for _, l := range links {
		l.drain(nil)
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		s.Close()
		return failed(breezeway.OpClose, "", context.Cause(ctx))
	}
}

// Close ends the server at once: it closes listeners and connections, and cancels the
// contexts of what runs. It does not wait for methods. Closing again does nothing.
func (s *Server) Close() error {
	if !s.valid() {
		return failed(breezeway.OpClose, "", errNoServer)
	}
	_, links := s.stop()
	for _, l := range links {
		l.close(errClosedHere)
	}
	return nil
}

// stop closes the listeners, and connections before their handshake is over, and returns the connections, and what is closed when they have
// all gone.
func (s *Server) stop() (gone chan struct{}, links []*link) {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		close(s.closed)
	}
	var ends []io.Closer
	for l := range s.listeners {
		ends = append(ends, *l)
	}
	for c := range s.shaking {
		ends = append(ends, rawOf(*c))
	}
	for l := range s.links {
		links = append(links, l)
	}
	if s.gone == nil {
		s.gone = make(chan struct{})
	}
	gone = s.gone
	if len(links) == 0 {
		close(s.gone)
		s.gone = nil
	}
	s.mu.Unlock()
	for _, end := range ends {
		end.Close()
	}
	return gone, links
}

// Stats returns what the server has done so far.
func (s *Server) Stats() ServerStats {
	if !s.valid() {
		return ServerStats{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return ServerStats{Accepted: s.accepted.Load(), Refused: s.refused.Load(), Open: len(s.links)}
}
