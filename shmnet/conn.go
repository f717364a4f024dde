package shmnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// kindShmnet is the Kind of this package's errors.
const kindShmnet = "shmnet"

// Conn is one end of a connection. It implements [net.Conn]. All methods may be called
// concurrently, but see [Conn.Reserve] and [Conn.Peek].
//
// Errors are [*breezeway.Error], but [io.EOF] comes bare. Those of a nil or zero Conn are
// [os.ErrInvalid].
type Conn struct {
	door *pipe.Conn // the socket: bells, the end of the other process, plain bytes
	name string
	addr net.Addr

	parks bool // never spins

	rd, wr side
	bells  bells
	active atomic.Bool // written to since [watch] has looked

	setup     sync.Mutex // held to change transport and closed
	transport atomic.Int32
	closed    atomic.Bool
	closeErr  error
	memory    *memory
	vacated   atomic.Int32          // how many sides touch the memory no more
	gone      atomic.Bool           // the other end's socket has closed
	broken    atomic.Pointer[error] // what the other end did that it must not

	in    inbound  // in rd's turn
	out   outbound // in wr's turn
	ended bool     // by CloseWrite; in wr's turn

	ahead []byte // with Plain: read for Peek, and not yet discarded; in rd's turn
	room  []byte // with Plain: for Reserve; in wr's turn
}

func newConn(door *pipe.Conn, name string, addr net.Addr, s *settings) *Conn {
	c := &Conn{door: door, name: name, addr: addr, parks: s.Park}
	barrier.Register()
	c.bells.c = c
	c.rd.init(&c.bells)
	c.wr.init(&c.bells)
	return c
}

// valid reports whether Dial or Accept made c.
func (c *Conn) valid() bool { return c != nil && c.door != nil }

var errNoConn = fmt.Errorf("the Conn is nil or zero; use one that Dial or Accept returned (%w)", os.ErrInvalid)

// fail puts an error into ours, except those that every reader expects bare.
func (c *Conn) fail(op string, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case c == nil:
		return fail.With(op, kindShmnet, "", err)
	}
	return wrap(op, c.name, err)
}

// wrap puts an error into ours, also one of the pipe below.
func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var below *breezeway.Error
	if errors.As(err, &below) && below.Kind != kindShmnet {
		err = below.Err
	}
	return fail.With(op, kindShmnet, name, err)
}

// Read reads up to len(p) bytes, as many as have arrived, and waits if there are none;
// with len(p) 0 it reads nothing and waits for nothing. After Close or the deadline it
// returns no bytes any more, also if some have arrived. When the other side has closed,
// or called CloseWrite, it returns what was written before, then [io.EOF].
//
// If the other process died, or its socket was closed without Close, it returns what
// arrived before, then [io.ErrUnexpectedEOF]. With [Plain] that is io.EOF too.
func (c *Conn) Read(p []byte) (int, error) {
	if !c.valid() {
		return 0, c.fail(breezeway.OpRead, errNoConn)
	}
	n, err := c.read(p)
	return n, c.fail(breezeway.OpRead, err)
}

func (c *Conn) read(p []byte) (int, error) {
	if err := c.begin(&c.rd); err != nil {
		return 0, err
	}
	defer c.end(&c.rd)
	if c.Transport() == Plain {
		return c.readPlain(p)
	}
	if len(p) == 0 {
		return 0, c.interrupted(&c.rd)
	}
	available, err := c.arrived()
	if err != nil {
		return 0, err
	}
	n := 0
	for n < available && n < len(p) {
		got := c.in.get(p[n:], min(available-n, mostAtOnce))
		c.discard(got)
		n += got
	}
	return n, nil
}

// discard frees n bytes that have arrived. It is rd's turn.
func (c *Conn) discard(n int) {
	c.rd.lent = 0
	if c.in.free(n) {
		c.bells.bell.ringSpace()
	}
}

// Write writes all of p, waiting for room as needed. If the other side has closed, or
// died, it fails with [io.ErrClosedPipe]. It reports how much the other side can read
// when the deadline or Close cuts it off.
func (c *Conn) Write(p []byte) (int, error) {
	if !c.valid() {
		return 0, c.fail(breezeway.OpWrite, errNoConn)
	}
	n, err := c.write(p)
	return n, c.fail(breezeway.OpWrite, err)
}

func (c *Conn) write(p []byte) (n int, err error) {
	if err := c.begin(&c.wr); err != nil {
		return 0, err
	}
	defer c.end(&c.wr)
	if c.Transport() == Plain {
		return c.door.Write(p)
	}
	if err := c.writable(); err != nil {
		return 0, err
	}
	c.wr.lent = 0
	for n < len(p) {
		room, err := c.roomFor(len(p) - n)
		if err != nil {
			return n, err
		}
		put := c.out.put(p[n:], min(room, mostAtOnce))
		if err := c.commit(put); err != nil {
			return n, err
		}
		n += put
	}
	return n, nil
}

// watch has the end of the other process noticed though this end doesn't wait for it.
func (c *Conn) watch() {
	c.active.Store(true)
	watch.add(c)
}

// mostAtOnce is how many bytes are published at once, so that the reader copies the
// first while the writer copies the next.
const mostAtOnce = 32 << 10

// commit publishes n bytes, all or none. It is wr's turn.
func (c *Conn) commit(n int) error {
	if !c.active.Load() {
		c.watch()
	}
	wake, ok := c.out.publish(n)
	if !ok {
		return c.unpublished()
	}
	if wake {
		c.bells.bell.ringData()
	}
	return nil
}

var errOverwritten = fmt.Errorf("the other side has changed how much this one has written (%w)", breezeway.ErrMismatch)

// unpublished returns why bytes weren't published: Close came between, or the other end
// writes where it must not.
func (c *Conn) unpublished() error {
	c.setup.Lock() // a Close that has ended the ring sets closed before it gives this back
	closed := c.closed.Load()
	c.setup.Unlock()
	if closed {
		return net.ErrClosed
	}
	return c.breakOff(errOverwritten)
}

// interrupted returns what ends a call of this side, whatever has arrived.
func (c *Conn) interrupted(s *side) error {
	switch {
	case c.closed.Load():
		return net.ErrClosed
	case s.deadline.passed.Load():
		return os.ErrDeadlineExceeded
	}
	if err := c.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// interruptedBy is interrupted that heeds ctx, too.
func (c *Conn) interruptedBy(ctx context.Context, s *side) error {
	if err := c.interrupted(s); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// writable returns why nothing can be written, room or not. It is wr's turn.
func (c *Conn) writable() error {
	if err := c.interrupted(&c.wr); err != nil {
		return err
	}
	switch {
	case c.ended:
		return net.ErrClosed
	case c.gone.Load():
		return c.unlessClosing(errGone)
	}
	return nil
}

// unlessClosing returns err, or net.ErrClosed if Close has begun: what the other side did
// may be its answer to that.
func (c *Conn) unlessClosing(err error) error {
	c.setup.Lock()
	defer c.setup.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	return err
}

var (
	errGone = fmt.Errorf("the other side has closed, or died (%w)", io.ErrClosedPipe)
	errDied = fmt.Errorf("the other side died, or left without closing (%w)", io.ErrUnexpectedEOF)
)

// arrived waits until there is something to read, and returns how much. It is rd's turn.
func (c *Conn) arrived() (int, error) {
	for spun := c.parks; ; {
		// Before the look: what was written before the end is there when that is seen.
		gone := c.gone.Load()
		if err := c.interrupted(&c.rd); err != nil {
			return 0, err
		}
		n, ended, err := c.in.available()
		switch {
		case err != nil:
			return 0, c.breakOff(err)
		case n > 0:
			return n, c.in.pages.cover(c.in.pos + uint64(n))
		case ended:
			return 0, c.unlessClosing(io.EOF)
		case gone:
			return 0, c.unlessClosing(errDied)
		}
		if !spun {
			spun = true
			if c.rd.spinner.until(c.in.written, c.in.pos) {
				continue
			}
		}
		c.parkReader()
	}
}

// parkReader returns when there may be something to read, or what interrupts.
func (c *Conn) parkReader() {
	c.rd.announced.Add(1)
	c.in.announce()
	if !c.in.changed() {
		c.bells.sleep(&c.rd)
	}
	c.in.withdraw()
}

// roomFor waits until something can be written, of want bytes, and returns how much, of
// which no more than want may be touched. It is wr's turn.
func (c *Conn) roomFor(want int) (int, error) {
	for spun := c.parks; ; {
		if err := c.writable(); err != nil {
			return 0, err
		}
		room, err := c.out.room(min(want, mostAtOnce))
		switch {
		case err != nil:
			return 0, c.breakOff(err)
		case room > 0:
			return room, c.out.pages.cover(c.out.pos + uint64(min(want, room)))
		}
		if !spun {
			spun = true
			if c.wr.spinner.until(c.out.read, c.out.seen) {
				continue
			}
		}
		// Rather for half of the ring than for each byte.
		c.parkWriter(min(want, len(c.out.data)/2))
	}
}

// parkWriter returns when there may be room for want bytes, or what interrupts.
func (c *Conn) parkWriter(want int) {
	c.wr.announced.Add(1)
	c.out.announce(want)
	if !c.out.changed() {
		c.bells.sleep(&c.wr)
	}
	c.out.withdraw()
}

// begin takes s for a call, and waits until both ends have said how they talk.
func (c *Conn) begin(s *side) error { return c.beginContext(context.Background(), s) }

// beginContext is begin that also ends with the cause of ctx. Then s is notified.
func (c *Conn) beginContext(ctx context.Context, s *side) error {
	if !s.turn.try() {
		if err := s.turn.take(ctx.Done(), func() error { return c.interruptedBy(ctx, s) }); err != nil {
			return err
		}
	}
	for c.Transport() == Undecided {
		err := c.interruptedBy(ctx, s)
		switch {
		case err != nil || !c.gone.Load():
		case s == &c.wr:
			err = c.unlessClosing(errGone)
		default:
			err = c.unlessClosing(errDied)
		}
		if err != nil {
			c.end(s)
			return err
		}
		<-s.news
	}
	return nil
}

// end ends a call of s. The last one after Close gives the memory back.
func (c *Conn) end(s *side) {
	s.turn.give()
	if c.closed.Load() {
		c.vacate(s)
	}
}

// breakOff ends the connection with an error that the other end is to blame for.
func (c *Conn) breakOff(err error) error {
	c.broken.CompareAndSwap(nil, &err)
	c.door.Close()
	c.notify()
	return *c.broken.Load()
}

// notify has both sides look.
func (c *Conn) notify() {
	c.rd.notify()
	c.wr.notify()
}

// Transport returns how the bytes travel: [SharedMemory], or [Plain] if one of the ends
// asked for that or couldn't map the memory; [Config.Logger] was told why.
//
// At the server's end it is [Undecided] until the client has said that it mapped the
// memory, which Read and Write wait for.
func (c *Conn) Transport() Transport {
	if c == nil {
		return Undecided
	}
	return Transport(c.transport.Load())
}

// Close closes the connection and ends its pending calls with [net.ErrClosed]. It waits
// for nothing. The other side can still read what was written. Closing again does
// nothing. What Reserve and Peek have returned stays valid until Commit and Discard, and
// the memory of the connection stays mapped as long.
func (c *Conn) Close() error {
	if !c.valid() {
		return c.fail(breezeway.OpClose, errNoConn)
	}
	c.setup.Lock()
	defer c.setup.Unlock()
	if c.closed.Load() {
		return c.closeErr
	}
	if c.memory != nil {
		c.out.end() // the end of the socket wakes the reader
	}
	c.closed.Store(true)
	// A call that ends now sees that it is closed, or has given its turn and vacate gets it.
	_ = fenceTurns() // should the system refuse one from now on, the memory may stay mapped
	c.notify()
	c.closeErr = c.fail(breezeway.OpClose, c.door.Close())
	c.rd.deadline.clear()
	c.wr.deadline.clear()
	c.vacate(&c.rd)
	c.vacate(&c.wr)
	return c.closeErr
}

// vacate gives the memory back if no call of both sides uses it any more: later ones look
// at closed first. If s is taken it does nothing: the call that has it ends after closed
// was set, and comes here itself.
func (c *Conn) vacate(s *side) {
	if !s.turn.try() {
		return
	}
	defer s.turn.give()
	if s.lent > 0 || s.vacated || c.Transport() != SharedMemory {
		return
	}
	s.vacated = true
	if c.vacated.Add(1) == 2 {
		c.memory.unmap()
	}
}

// CloseWrite ends writing: the other side reads [io.EOF] after what was written, and
// Write fails with [net.ErrClosed]. With [Plain] Windows has no such thing and returns
// [errors.ErrUnsupported].
func (c *Conn) CloseWrite() error {
	if !c.valid() {
		return c.fail(breezeway.OpCloseWrite, errNoConn)
	}
	return c.fail(breezeway.OpCloseWrite, c.closeWrite())
}

func (c *Conn) closeWrite() error {
	if err := c.begin(&c.wr); err != nil {
		return err
	}
	defer c.end(&c.wr)
	if c.Transport() == Plain {
		return c.door.CloseWrite()
	}
	if c.closed.Load() {
		return net.ErrClosed
	}
	c.ended = true
	if c.out.end() {
		c.bells.bell.ringData()
	}
	return nil
}

// Peer returns the process at the other end when the connection was made: the client,
// or the process that called Listen.
func (c *Conn) Peer() breezeway.Peer {
	if !c.valid() {
		return breezeway.Peer{UID: -1, GID: -1} // 0 would be root
	}
	return c.door.Peer()
}

// LocalAddr returns where the server is found, an [Addr].
func (c *Conn) LocalAddr() net.Addr {
	if !c.valid() {
		return Addr("")
	}
	return c.addr
}

// RemoteAddr returns the same as LocalAddr: clients have no address. [Conn.Peer]
// identifies them.
func (c *Conn) RemoteAddr() net.Addr { return c.LocalAddr() }

// SetDeadline sets both deadlines; the zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds present and future Reads, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetReadDeadline(t time.Time) error {
	if !c.valid() {
		return c.fail(breezeway.OpSetDeadline, errNoConn)
	}
	return c.setDeadline(&c.rd, t)
}

// SetWriteDeadline bounds present and future Writes, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if !c.valid() {
		return c.fail(breezeway.OpSetDeadline, errNoConn)
	}
	return c.setDeadline(&c.wr, t)
}

func (c *Conn) setDeadline(s *side, t time.Time) error {
	if c.closed.Load() {
		return c.fail(breezeway.OpSetDeadline, net.ErrClosed)
	}
	return c.fail(breezeway.OpSetDeadline, s.deadline.set(t, s))
}
