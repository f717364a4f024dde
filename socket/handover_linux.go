package socket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

const canHandOver = true

// How a listener is handed over. The process that has it, the predecessor, listens at
// Config.HandOver too. Its successor connects there, and gets one message, [offer], with
// two descriptors: the listener, and the socket at Config.HandOver itself. When it has
// both it answers with the line taken, and the predecessor closes its own. A descriptor of
// a listening socket is open in at least one of the two at every moment, so that no client
// is refused; those that wait are the socket's, not a process's.
//
// Which of the two has the listener is settled by the answer alone. A successor that dies
// before it answers has changed nothing. A predecessor that has made the offer neither
// removes nor shuts down anything until the answer has come or can't come any more: one
// that gives up refuses the answer first, in one step with looking whether it has come,
// and the successor's write then fails.

// offer is what the predecessor says of a listener: a line of JSON, since the two may be
// of different versions.
type offer struct {
	Version  int
	Network  string
	Address  string
	Listener socketFile // zero if it has no file
	HandOver socketFile
}

// socketFile identifies the file that was made for a socket.
type socketFile struct{ Device, Inode uint64 }

const (
	offerVersion  = 1
	longestOffer  = 4096
	taken         = "taken\n"
	handOverBound = 10 * time.Second // for the other process
	closingBound  = time.Second      // for a successor that was made an offer when Close is called
)

// handover is the socket at which a listener waits for its successor.
type handover struct {
	*local.Listener

	mu      sync.Mutex
	closed  bool
	with    *net.UnixConn // the successor that is made an offer; nil if there is none
	settled chan struct{} // closed when it has the listener, or can't have it any more
}

// begin notes that c is made an offer, and reports false after settle.
func (h *handover) begin(c *net.UnixConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.with, h.settled = c, make(chan struct{})
	return true
}

// end notes that the offer is settled.
func (h *handover) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.with = nil
	close(h.settled)
}

// settle makes no offer any more, and waits until the one that was made is settled.
func (h *handover) settle() {
	h.mu.Lock()
	h.closed = true
	with, settled := h.with, h.settled
	if with != nil {
		with.SetReadDeadline(time.Now().Add(closingBound))
	}
	h.mu.Unlock()
	if with != nil {
		<-settled
	}
}

// listenOrSucceed takes the listener over from the process that has it, or makes one.
func listenOrSucceed(ctx context.Context, n transport, address string, s settings) (*Listener, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, handOverBound,
		fmt.Errorf("no listener came from %s %s within %v (%w)", fail.Go("Config.HandOver"), s.HandOver, handOverBound, os.ErrDeadlineExceeded))
	defer cancel()
	var pause watch.Backoff
	for {
		l, err := succeed(bounded, n, address, s)
		if local.IsAbsent(err) {
			l, err = precede(ctx, n, address, s)
		}
		if !errors.Is(err, errGone) {
			return l, err
		}
		if err := pause.Sleep(bounded); err != nil {
			return nil, err
		}
	}
}

// precede makes the listener. The first of several processes that start at once has the
// socket at s.HandOver; for the others the error is errGone.
func precede(ctx context.Context, n transport, address string, s settings) (*Listener, error) {
	side, err := local.ListenContext(ctx, s.HandOver, access.Rule{})
	if errors.Is(err, fs.ErrExist) {
		_, looking := os.Lstat(s.HandOver) // absent if the other process has just closed
		if live, _ := local.IsLive(s.HandOver); live || errors.Is(looking, fs.ErrNotExist) {
			return nil, errGone
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", fail.Go("Config.HandOver"), s.HandOver, err)
	}
	b, err := bind(ctx, n, address, &s)
	if err != nil {
		side.Close()
		return nil, err
	}
	return waitForSuccessor(newListener(b, n, address, s), side), nil
}

// errGone says that the other process died, or gave up, before it learned that its
// listener was taken: it is to be asked again, if it is there.
var errGone = errors.New("the other process is gone")

// waitForSuccessor hands l over to the first successor that comes to side.
func waitForSuccessor(l *Listener, side *local.Listener) *Listener {
	l.handover = &handover{Listener: side}
	l.crew.Run(func() {
		for !l.handed.Load() {
			c, err := side.AcceptUnix()
			if err != nil {
				return
			}
			peer, err := l.handOver(c, side)
			c.Close()
			switch {
			case l.handed.Load():
				l.tell(slog.LevelInfo, "a successor has the listener", "peer", peer.String())
			case err != nil && !l.arrivals.IsClosed():
				l.tell(slog.LevelWarn, "a successor did not take the listener", "reason", err)
			}
		}
	})
	return l
}

// handOver offers l and side to the process at the other end of c.
func (l *Listener) handOver(c *net.UnixConn, side *local.Listener) (breezeway.Peer, error) {
	c.SetDeadline(time.Now().Add(handOverBound))
	peer, err := peerOf(c)
	if err == nil {
		err = access.Rule{}.Admit(peer)
	}
	if err != nil {
		return peer, err
	}
	killpoint.Here("successor met")
	if !l.handover.begin(c) {
		return peer, net.ErrClosed
	}
	defer l.handover.end()
	if err := l.offerTo(c, side); err != nil {
		return peer, explain(err)
	}
	killpoint.Here("listener offered")
	if err := awaitTaken(c); err != nil {
		return peer, fmt.Errorf("process %d did not say that it has it: %w", peer.PID, errors.Join(err, breezeway.ErrMismatch))
	}
	killpoint.Here("listener taken")
	l.handed.Store(true)
	side.Release()
	l.bound.Release() // Accept ends when it has returned what had been accepted
	return peer, nil
}

// awaitTaken waits for the answer until c's deadline. When it has failed, the other side
// can't give the answer any more.
func awaitTaken(c *net.UnixConn) error {
	answer := make([]byte, len(taken))
	n, err := io.ReadFull(c, answer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// From here on the other side's write fails. What it wrote before counts, however
		// late this process comes to read it: it may have been stopped.
		err = c.CloseRead()
		c.SetReadDeadline(time.Time{})
		if err == nil {
			_, err = io.ReadFull(c, answer[n:])
		}
		if err != nil {
			err = fmt.Errorf("its time is over (%w)", os.ErrDeadlineExceeded)
		}
	}
	if err == nil && string(answer) != taken {
		err = errors.New("it says something else")
	}
	return explain(err)
}

func (l *Listener) offerTo(c *net.UnixConn, side *local.Listener) error {
	listening, err := l.bound.file()
	if err != nil {
		return err
	}
	defer listening.Close()
	waiting, err := side.UnixListener.File()
	if err != nil {
		return err
	}
	defer waiting.Close()
	o := offer{Version: offerVersion, Network: l.transport.name, Address: l.address, HandOver: fileOf(side)}
	if b, ok := l.bound.(*unixBound); ok && b.owner != nil {
		o.Listener = fileOf(b.owner)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	to := newConn(c, c, transports[0], "", unknownPeer(), func() {})
	_, err = to.SendFiles(append(text, '\n'), listening, waiting)
	return err
}

func fileOf(l *local.Listener) socketFile {
	st := l.Made().Sys().(*syscall.Stat_t)
	return socketFile{uint64(st.Dev), st.Ino}
}

// succeed takes the listener from the process that waits at s.HandOver.
func succeed(ctx context.Context, n transport, address string, s settings) (*Listener, error) {
	c, err := local.Dial(ctx, s.HandOver, access.Rule{})
	if err != nil {
		return nil, explain(err)
	}
	defer c.Close()
	peer, err := peerOf(c)
	if err == nil {
		err = access.Rule{}.Trusts(peer)
	}
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })()
	l, side, err := takeOver(c, n, address, s)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the listener of process %d could not be taken: %w", peer.PID, explain(err))
	}
	l.note(slog.LevelInfo, "took the listener of another process over", "peer", peer.String())
	return waitForSuccessor(l, side), nil
}

// takeOver receives the offer and accepts it.
func takeOver(c *net.UnixConn, n transport, address string, s settings) (*Listener, *local.Listener, error) {
	from := newConn(c, c, transports[0], "", unknownPeer(), func() {})
	text, files, err := readOffer(from)
	defer closeAll(files) // listeners are duplicates
	if errors.Is(err, io.EOF) || isBroken(err) {
		err = errGone
	}
	if err != nil {
		return nil, nil, err
	}
	var o offer
	switch err := json.Unmarshal(text, &o); {
	case err != nil:
		return nil, nil, fmt.Errorf("what it offers can't be read (%w): %w", breezeway.ErrMismatch, err)
	case o.Version != offerVersion || len(files) != 2:
		return nil, nil, fmt.Errorf("it offers %d descriptors by version %d of the hand-over, this is version %d (%w)", len(files), o.Version, offerVersion, breezeway.ErrMismatch)
	case o.Network != n.name || o.Address != address:
		return nil, nil, fmt.Errorf("it listens at %s %s, not at %s %s (%w)", o.Network, o.Address, n.name, address, breezeway.ErrMismatch)
	}
	b, err := adopt(files[0], n, address, o.Listener, &s)
	if err != nil {
		return nil, nil, err
	}
	side, err := adopt(files[1], transports[0], s.HandOver, o.HandOver, &settings{})
	if err == nil && side.(*unixBound).owner == nil {
		err = fmt.Errorf("another program has replaced %s (%w)", s.HandOver, fs.ErrExist)
	}
	if err == nil {
		killpoint.Here("listener received")
		if _, err = c.Write([]byte(taken)); isBroken(err) {
			err = errGone
		}
	}
	if err != nil {
		b.Release()
		if side != nil {
			side.Release()
		}
		return nil, nil, err
	}
	killpoint.Here("listener answered")
	// Not before the answer: a predecessor that goes on is still the one that clients find.
	listenAgain(b)
	listenAgain(side)
	return newListener(b, n, address, s), side.(*unixBound).owner, nil
}

// readOffer reads a line and the files that come with it, which may be in pieces.
func readOffer(from *Conn) (text []byte, files []*os.File, err error) {
	buf := make([]byte, longestOffer)
	for len(text) < longestOffer {
		n, more, err := from.ReceiveFiles(buf[:longestOffer-len(text)], 2)
		text, files = append(text, buf[:n]...), append(files, more...)
		switch {
		case err != nil:
			return nil, files, err
		case len(files) > 2:
			return nil, files, fmt.Errorf("it offers %d descriptors (%w)", len(files), breezeway.ErrMismatch)
		case bytes.HasSuffix(text, []byte("\n")):
			return text, files, nil
		}
	}
	return nil, files, fmt.Errorf("what it offers does not end (%w)", breezeway.ErrTooLarge)
}

// adopt makes a listener of a descriptor that another program made. If made identifies the
// file that is at address now, the listener removes that when it is closed.
func adopt(f *os.File, n transport, address string, made socketFile, s *settings) (bound, error) {
	if err := checkListening(f, n); err != nil {
		return nil, err
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, explain(err)
	}
	tcp, ok := l.(*net.TCPListener)
	if ok {
		return tcpBound{tcp}, nil
	}
	b := &unixBound{UnixListener: l.(*net.UnixListener), rule: s.access}
	if info, same := sameFile(address, made.Device, made.Inode); same && !isAbstract(address) {
		b.owner = local.Adopt(b.UnixListener, address, info)
		b.rule = s.access.ForFile(info)
	}
	return b, nil
}

// sameFile describes the file that handed over says was made, if the path leads to it.
func sameFile(path string, device, inode uint64) (fs.FileInfo, bool) {
	info, err := os.Lstat(filepath.Clean(path))
	if err != nil {
		return nil, false
	}
	st := info.Sys().(*syscall.Stat_t)
	return info, uint64(st.Dev) == device && st.Ino == inode
}

// listenAgain makes this process the one that clients of a Unix socket find by
// SO_PEERCRED.
func listenAgain(b bound) error {
	u, ok := b.(*unixBound)
	if !ok {
		return nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), local.Backlog) }); cerr != nil {
		return cerr
	}
	return os.NewSyscallError("listen", err)
}

// checkListening reports whether a descriptor is a listening socket of a kind.
func checkListening(f *os.File, n transport) error {
	kind, err := listeningKind(f)
	if err != nil {
		return err
	}
	if n.tls {
		n = transports[2]
	}
	if kind.name != n.name {
		return fmt.Errorf("%s is a listening socket of the network %s, not %s (%w)", f.Name(), kind.name, n.name, breezeway.ErrMismatch)
	}
	return nil
}

// listeningKind returns which of unix, unixpacket and tcp a listening socket is.
func listeningKind(f *os.File) (transport, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return transport{}, err
	}
	var listening, domain, typ int
	if cerr := raw.Control(func(fd uintptr) {
		for option, value := range map[int]*int{unix.SO_ACCEPTCONN: &listening, unix.SO_DOMAIN: &domain, unix.SO_TYPE: &typ} {
			if *value, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option); err != nil {
				return
			}
		}
	}); cerr != nil {
		return transport{}, cerr
	}
	switch {
	case err != nil || listening == 0:
		return transport{}, fmt.Errorf("%s is no listening socket (%w)", f.Name(), breezeway.ErrMismatch)
	case domain == unix.AF_UNIX && typ == unix.SOCK_STREAM:
		return transports[0], nil
	case domain == unix.AF_UNIX && typ == unix.SOCK_SEQPACKET:
		return transports[1], nil
	case (domain == unix.AF_INET || domain == unix.AF_INET6) && typ == unix.SOCK_STREAM:
		return transports[2], nil
	}
	return transport{}, fmt.Errorf("%s is a socket of another kind than unix, unixpacket and tcp (%w)", f.Name(), breezeway.ErrMismatch)
}
