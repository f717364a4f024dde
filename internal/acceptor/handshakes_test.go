package acceptor

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// visitor is a connection whose handshake ends as it says.
type visitor struct {
	silent bool
	closed *atomic.Int64
}

func (v *visitor) Close() error {
	v.closed.Add(1)
	return nil
}

// door lets visitors in until it is closed.
type door struct {
	visitors chan *visitor
	shut     chan struct{}
}

func newDoor() *door { return &door{make(chan *visitor), make(chan struct{})} }

func (d *door) accept() (*visitor, error) {
	select {
	case v := <-d.visitors:
		return v, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

func shake(ctx context.Context, v *visitor) (*visitor, error) {
	if v.silent {
		<-ctx.Done()
		v.Close()
		return nil, context.Cause(ctx)
	}
	return v, nil
}

// More silent clients than there is room for keep no other one out: the oldest go.
func TestManySilentClients(t *testing.T) {
	d := newDoor()
	h := NewHandshakes(d.accept, shake, func(*visitor, error) {}, time.Hour)
	h.Start()
	var closed atomic.Int64
	const more = 100
	for range mostHandshakes + more {
		d.visitors <- &visitor{silent: true, closed: &closed}
	}
	v := &visitor{closed: &closed}
	go func() { d.visitors <- v }()
	if got, err := h.Next(); got != v || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	close(d.shut)
	h.Close()
	if n := closed.Load(); n != mostHandshakes+more {
		t.Errorf("%d of %d silent clients were closed", n, mostHandshakes+more)
	}
}

// What was let in before accept failed is returned before its error, and what is not
// taken is closed.
func TestAcceptFails(t *testing.T) {
	d := newDoor()
	h := NewHandshakes(d.accept, shake, func(*visitor, error) {}, time.Hour)
	h.Start()
	var closed atomic.Int64
	for range 10 {
		d.visitors <- &visitor{closed: &closed}
	}
	close(d.shut)
	for range 7 {
		if _, err := h.Next(); err != nil {
			t.Error(err)
		}
	}
	h.Close()
	if n := closed.Load(); n != 3 {
		t.Errorf("%d were closed, want 3", n)
	}
	if _, err := h.Next(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// Accept ends by its context and deadline, and loses no connection by that.
func TestAcceptor(t *testing.T) {
	d := newDoor()
	var crew Crew
	a := New(d.accept, &crew, 1)
	var closed atomic.Int64
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := a.Accept(ctx)
		ended <- err
	}()
	cancel(gaveUp)
	if err := <-ended; !errors.Is(err, gaveUp) {
		t.Error(err)
	}
	a.SetDeadline(time.Now().Add(time.Millisecond))
	if _, err := a.Accept(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	a.SetDeadline(time.Time{})
	first, second := &visitor{closed: &closed}, &visitor{closed: &closed}
	go func() {
		d.visitors <- first
		d.visitors <- second
	}()
	if got, err := a.Accept(t.Context()); got != first || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if got, err := a.Accept(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than may be open: %v, %v", got, err)
	}
	a.Free()
	if got, err := a.Accept(t.Context()); got != second || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	a.Close(func() { close(d.shut) })
	if _, err := a.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
