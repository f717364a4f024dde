package ipcsync

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

const (
	// bedRoom is for how many objects a thread can wait, besides a bell.
	bedRoom = 64 - 1 // MAXIMUM_WAIT_OBJECTS
	// pollEvery is how often an object is looked at that no bed has room for.
	pollEvery = 10 * time.Millisecond
)

// maxBeds bounds the threads, however many objects are waited for. It is also that
// of package wait.
const maxBeds = 12

var looking sync.Mutex

// look reports whether h is signaled, and then has taken what a wait takes. One
// goroutine at a time looks: where the call is slow, as under Wine, Go would start
// a thread for each of those that look at once.
func look(h windows.Handle) (bool, error) {
	looking.Lock()
	defer looking.Unlock()
	event, err := windows.WaitForSingleObject(h, 0)
	if err != nil {
		return false, os.NewSyscallError("WaitForSingleObject", err)
	}
	return event == windows.WAIT_OBJECT_0, nil
}

// beds are those of this process.
var beds struct {
	mu  sync.Mutex
	all []*bed
}

// bed waits in the kernel, on one thread, for what many goroutines wait for. Its
// goroutine runs while there are any.
type bed struct {
	bell windows.Handle // an event

	// Under beds.mu.
	sleepers []*sleeper
	running  bool
}

// sleeper is a goroutine that waits for an object.
type sleeper struct {
	h    windows.Handle
	done chan struct{} // closed when the bed has let go of it

	leaving bool  // it wants to; under beds.mu
	taken   bool  // the wait took something; to be read when done
	err     error // the same
}

// kernelWait waits until h is signaled, ctx is done or shut is closed. h must stay
// open meanwhile. See [kernelObject.wait].
func kernelWait(ctx context.Context, shut <-chan struct{}, h windows.Handle, c *claim, giveBack func(h windows.Handle) error) error {
	s := &sleeper{h: h, done: make(chan struct{})}
	b, err := lieDown(s)
	if err != nil {
		return err
	}
	if b == nil {
		return kernelPoll(ctx, shut, h, c)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		b.getUp(s)
	case <-shut:
		b.getUp(s)
	}
	switch {
	case s.taken:
		// Though the context may be done, or the object closed.
		if _, err := c.take(func() (bool, error) { return true, nil }); err != nil {
			return errors.Join(err, giveBack(h))
		}
		return nil
	case s.err != nil:
		return s.err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return os.ErrClosed
}

// kernelPoll is kernelWait where there are more objects than beds have room for.
func kernelPoll(ctx context.Context, shut <-chan struct{}, h windows.Handle, c *claim) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := c.take(func() (bool, error) { return look(h) }); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-shut:
			return os.ErrClosed
		}
	}
}

// lieDown gives s to a bed, or returns nil if there is no room.
func lieDown(s *sleeper) (*bed, error) {
	beds.mu.Lock()
	defer beds.mu.Unlock()
	i := slices.IndexFunc(beds.all, func(b *bed) bool { return len(b.sleepers) < bedRoom })
	if i < 0 {
		if len(beds.all) >= maxBeds {
			return nil, nil
		}
		bell, err := windows.CreateEvent(nil, 0, 0, nil)
		if bell == 0 {
			return nil, os.NewSyscallError("CreateEvent", err)
		}
		i = len(beds.all)
		beds.all = append(beds.all, &bed{bell: bell})
	}
	b := beds.all[i]
	b.sleepers = append(b.sleepers, s)
	if b.running {
		windows.SetEvent(b.bell)
	} else {
		b.running = true
		go b.run()
	}
	return b, nil
}

// getUp returns when the bed has let go of s, so that nothing is taken for it any
// more.
func (b *bed) getUp(s *sleeper) {
	beds.mu.Lock()
	s.leaving = true
	windows.SetEvent(b.bell)
	beds.mu.Unlock()
	<-s.done
}

func (b *bed) run() {
	var sleepers []*sleeper
	handles := make([]windows.Handle, 0, 1+bedRoom)
	for {
		beds.mu.Lock()
		b.sleepers = slices.DeleteFunc(b.sleepers, func(s *sleeper) bool {
			if !s.leaving && !s.taken && s.err == nil {
				return false
			}
			close(s.done)
			return true
		})
		sleepers = append(sleepers[:0], b.sleepers...)
		b.running = len(sleepers) > 0
		beds.mu.Unlock()
		if len(sleepers) == 0 {
			return
		}
		handles = append(handles[:0], b.bell)
		for _, s := range sleepers {
			handles = append(handles, s.h)
		}
		// Of several that are signaled it takes from the first alone.
		event, err := windows.WaitForMultipleObjects(handles, false, windows.INFINITE)
		if err != nil {
			for _, s := range sleepers {
				s.err = os.NewSyscallError("WaitForMultipleObjects", err)
			}
		} else if i := int(event) - windows.WAIT_OBJECT_0; i > 0 && i <= len(sleepers) {
			sleepers[i-1].taken = true
		}
	}
}
