package ipcsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// blocking are the waits that Remove ends. Each opens an object, which is to be such that
// the wait blocks.
var blocking = map[string]struct {
	kind Kind
	open func(name string) (io.Closer, func(context.Context) error, error)
}{
	"mutex": {KindMutex, func(name string) (io.Closer, func(context.Context) error, error) {
		m, err := OpenOrCreateMutex(name, nil)
		return m, func(ctx context.Context) error { _, err := m.Lock(ctx); return err }, err
	}},
	"rwmutex to write": {KindRWMutex, func(name string) (io.Closer, func(context.Context) error, error) {
		m, err := OpenOrCreateRWMutex(name, nil)
		return m, func(ctx context.Context) error { _, err := m.Lock(ctx); return err }, err
	}},
	"rwmutex to read": {KindRWMutex, func(name string) (io.Closer, func(context.Context) error, error) {
		m, err := OpenOrCreateRWMutex(name, nil)
		return m, func(ctx context.Context) error { _, err := m.RLock(ctx); return err }, err
	}},
	"lead": {KindLeader, func(name string) (io.Closer, func(context.Context) error, error) {
		return io.NopCloser(nil), func(ctx context.Context) error { _, err := Lead(ctx, name, nil); return err }, nil
	}},
	"event": {KindEvent, func(name string) (io.Closer, func(context.Context) error, error) {
		e, err := OpenOrCreateEvent(name, nil)
		return e, func(ctx context.Context) error { return e.Wait(ctx) }, err
	}},
	"barrier": {KindBarrier, func(name string) (io.Closer, func(context.Context) error, error) {
		b, err := OpenOrCreateBarrier(name, 3, nil)
		return b, func(ctx context.Context) error { _, err := b.Wait(ctx); return err }, err
	}},
	"cond": {KindCond, func(name string) (io.Closer, func(context.Context) error, error) {
		c, err := OpenOrCreateCond(name, nil)
		return c, func(ctx context.Context) error {
			m, err := OpenOrCreateMutex(name+"m", nil)
			if err != nil {
				return err
			}
			defer m.Close()
			h, err := m.Lock(ctx)
			if err != nil {
				return err
			}
			h, err = c.Wait(ctx, h)
			return errors.Join(err, h.Unlock())
		}, err
	}},
}

// block makes the waits for an object of a kind block until the test is over.
func block(t *testing.T, kind Kind, name string) {
	switch kind {
	case KindMutex:
		m, err := OpenOrCreateMutex(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		mustLock(t, m)
	case KindRWMutex:
		m, err := OpenOrCreateRWMutex(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		if _, err := m.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
	case KindLeader:
		l, err := Lead(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Resign() })
	}
}

// blocked waits as Args[0] says for the object Args[1], and says how that ended.
var blocked = ipctest.Helper("blocked", func(c *ipctest.Control) error {
	o, wait, err := blocking[c.Args[0]].open(c.Args[1])
	if err != nil {
		return err
	}
	defer o.Close()
	c.Say("waits")
	err = wait(context.Background())
	if errors.Is(err, breezeway.ErrRemoved) {
		c.Say("removed")
	} else {
		c.Say("%v", err)
	}
	return nil
})

// eachRemoved has each kind of object removed while two processes wait for it, several
// times, and tells how long each wait took to end with ErrRemoved.
func eachRemoved(t *testing.T, rounds int, remove func(t *testing.T, kind Kind, name string), check func(t *testing.T, took []time.Duration)) {
	for how, b := range blocking {
		t.Run(how, func(t *testing.T) {
			var took []time.Duration
			for range rounds {
				name := ipctest.UniqueName()
				block(t, b.kind, name)
				o, wait, err := b.open(name)
				if err != nil {
					t.Fatal(err)
				}
				p := ipctest.Start(t, blocked, how, name)
				p.Expect("waits")
				ended := make(chan error, 1)
				go func() { ended <- wait(t.Context()) }()
				awaitBlocked(t, b.kind, name, 2)
				start := time.Now()
				remove(t, b.kind, name)
				ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
				p.Expect("removed")
				took = append(took, time.Since(start))
				p.Wait()
				o.Close()
				if b.kind == KindCond {
					removeIfThere(t, KindMutex, name+"m")
				}
			}
			check(t, took)
		})
	}
}

func awaitBlocked(t *testing.T, kind Kind, name string, n int) {
	t.Helper()
	for end := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
		st, err := Stat(kind, name, nil)
		if err == nil && st.Waiters == n {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("%d wait; %v", st.Waiters, err)
		}
	}
	time.Sleep(5 * time.Millisecond) // counted before they sleep
}

func mustRemove(t *testing.T, kind Kind, name string) {
	t.Helper()
	if err := Remove(kind, name, nil); err != nil {
		t.Fatal(err)
	}
}

func TestRemoveWakesWaiters(t *testing.T) {
	eachRemoved(t, 5, mustRemove, func(t *testing.T, took []time.Duration) {
		ipctest.WantMedian(t, took, 20*time.Millisecond)
	})
}

// What rm(1) or a cleaner removes is noticed by waiters.
func TestUnlinkByOthersIsNoticed(t *testing.T) {
	unlink := func(t *testing.T, kind Kind, name string) {
		t.Helper()
		if err := os.Remove("/dev/shm/bw." + kindTable[kind].file + "." + name); err != nil {
			t.Fatal(err)
		}
	}
	for how, b := range blocking {
		t.Run(how, func(t *testing.T) {
			name := ipctest.UniqueName()
			block(t, b.kind, name)
			o, wait, err := b.open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			ended := make(chan error, 1)
			go func() { ended <- wait(t.Context()) }()
			awaitBlocked(t, b.kind, name, 1)
			start := time.Now()
			unlink(t, b.kind, name)
			ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
			ipctest.WantSince(t, start, time.Second)
			if b.kind == KindCond {
				removeIfThere(t, KindMutex, name+"m")
			}
		})
	}
}

// refused is a process that has the mutex Args[0] open and is to lock it when it hears
// so.
var refused = ipctest.Helper("refused", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	h, err := m.Lock(context.Background())
	if err == nil {
		err = h.Unlock()
	}
	if err != nil {
		return err
	}
	c.Say("opened")
	c.Hear()
	_, err = m.Lock(context.Background())
	_, ok, errTry := m.TryLock()
	c.Say("%v %v %v", errors.Is(err, breezeway.ErrRemoved), ok, errors.Is(errTry, breezeway.ErrRemoved))
	return nil
})

func TestRemovedMutexRefusesLock(t *testing.T) {
	for _, cfg := range []*Config{nil, {Mode: 0o666}} { // with the fast path, and without
		m := newTestMutex(t, cfg)
		p := ipctest.Start(t, refused, m.Name())
		p.Expect("opened")
		mustUnlock(t, mustLock(t, m))
		mustRemove(t, KindMutex, m.Name())
		anew, err := CreateMutex(m.Name(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer anew.Close()
		h := mustLock(t, anew)
		_, err = m.Lock(t.Context())
		ipctest.WantError(t, err, breezeway.ErrRemoved, "open or create it again")
		if errors.Is(err, os.ErrNotExist) {
			t.Error("an object that is open counts as absent")
		}
		_, _, err = m.TryLock()
		ipctest.WantError(t, err, breezeway.ErrRemoved)
		_, _, err = WaitAny(t.Context(), m)
		ipctest.WantError(t, err, breezeway.ErrRemoved)
		ipctest.WantError(t, m.Do(t.Context(), func(bool) error { t.Error("called"); return nil }), breezeway.ErrRemoved)
		if st, err := m.Stats(); err != nil || st.Holders != 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}
		p.Say("lock")
		p.Expect("true false true")
		p.Wait()
		mustUnlock(t, h)
	}
}

// A holder keeps the lock until it unlocks, and is told then.
func TestRemoveWhileHeld(t *testing.T) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	p.Kill()
	h := mustLock(t, m) // recovered
	wantRecoveredHeld(t, h)
	mustRemove(t, KindMutex, m.Name())
	anew, err := CreateMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer anew.Close()
	mustUnlock(t, mustLock(t, anew)) // beside the holder of the old one
	if st, err := m.Stats(); err != nil || st.Holders != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	err = h.Unlock()
	ipctest.WantError(t, err, breezeway.ErrRemoved, "it is unlocked")
	err = h.Unlock()
	ipctest.WantError(t, err, os.ErrInvalid)
	if errors.Is(err, breezeway.ErrRemoved) {
		t.Error("unlocked twice")
	}
	if st, err := m.Stats(); err != nil || st.Holders != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	ipctest.WantError(t, func() error { _, err := m.Lock(t.Context()); return err }(), breezeway.ErrRemoved)
}

func wantRecoveredHeld(t *testing.T, h Held) {
	t.Helper()
	if !h.Recovered() {
		t.Error("not told that the holder died")
	}
}

// Readers and writers of a removed lock are refused, also a writer that has been waiting for
// readers, and holders are told when they unlock.
func TestRemovedRWMutex(t *testing.T) {
	for _, cfg := range []*Config{nil, {Mode: 0o666}} {
		m := newTestRWMutex(t, cfg)
		reader, err := m.RLock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pending := make(chan error, 1)
		go func() {
			_, err := m.Lock(t.Context())
			pending <- err
		}()
		awaitWaiters(t, m, 1)
		start := time.Now()
		mustRemove(t, KindRWMutex, m.Name())
		ipctest.WantError(t, <-pending, breezeway.ErrRemoved)
		ipctest.WantSince(t, start, 50*time.Millisecond)
		for what, lock := range map[string]func(context.Context) (Held, error){"Lock": m.Lock, "RLock": m.RLock} {
			if _, err := lock(t.Context()); !errors.Is(err, breezeway.ErrRemoved) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, try := range map[string]func() (Held, bool, error){"TryLock": m.TryLock, "TryRLock": m.TryRLock} {
			if _, _, err := try(); !errors.Is(err, breezeway.ErrRemoved) {
				t.Errorf("%s: %v", what, err)
			}
		}
		ipctest.WantError(t, reader.Unlock(), breezeway.ErrRemoved, "it is unlocked")
		ipctest.WantError(t, reader.Unlock(), os.ErrInvalid)
		if st, err := m.Stats(); err != nil || st.Holders != 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}

		m = newTestRWMutex(t, cfg)
		writer, err := m.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mustRemove(t, KindRWMutex, m.Name())
		ipctest.WantError(t, writer.Unlock(), breezeway.ErrRemoved, "it is unlocked")
		ipctest.WantError(t, writer.Unlock(), os.ErrInvalid)
	}
}

// The removed lock of a process that died holding it is not taken over.
func TestRemovedMutexOfTheDead(t *testing.T) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	mustRemove(t, KindMutex, m.Name())
	p.Kill()
	for range 3 {
		_, err := m.Lock(t.Context())
		ipctest.WantError(t, err, breezeway.ErrRemoved)
	}
}

// A leader is told when it resigns, and the next one leads meanwhile.
func TestRemoveTellsTheLeader(t *testing.T) {
	name := ipctest.UniqueName()
	defer removeIfThere(t, KindLeader, name)
	old, err := Lead(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustRemove(t, KindLeader, name)
	next, err := Lead(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, old.Resign(), breezeway.ErrRemoved)
	if err := next.Resign(); err != nil {
		t.Error(err)
	}
}

// Every operation on a removed event, barrier or condition fails, but Stats and Close.
func TestRemovedObjectsRefuseUse(t *testing.T) {
	e, b, c, m := newTestEvent(t, nil), newTestBarrier(t, 2), newTestCond(t), newTestMutex(t, nil)
	for kind, name := range map[Kind]string{KindEvent: e.Name(), KindBarrier: b.Name(), KindCond: c.Name()} {
		mustRemove(t, kind, name)
	}
	h := mustLock(t, m)
	for what, err := range map[string]error{
		"Set": e.Set(), "Reset": e.Reset(), "Wait": e.Wait(t.Context()),
		"TryWait":      func() error { _, err := e.TryWait(); return err }(),
		"Barrier.Wait": func() error { _, err := b.Wait(t.Context()); return err }(), "Barrier.Reset": b.Reset(),
		"Cond.Wait": func() error { _, err := c.Wait(t.Context(), h); return err }(),
		"Signal":    c.Signal(), "Broadcast": c.Broadcast(),
	} {
		if !errors.Is(err, breezeway.ErrRemoved) {
			t.Errorf("%s: %v", what, err)
		}
	}
	mustUnlock(t, h) // Cond.Wait has not
	for _, o := range []observable{e, b, c} {
		if _, err := o.Stats(); err != nil {
			t.Error(err)
		}
	}
}

// A condition whose mutex is removed ends its waits without the mutex.
func TestCondOfARemovedMutex(t *testing.T) {
	c, m := newTestCond(t), newTestMutex(t, nil)
	h := mustLock(t, m)
	mustRemove(t, KindMutex, m.Name())
	h, err := c.Wait(t.Context(), h)
	ipctest.WantError(t, err, breezeway.ErrRemoved)
	if h != (Held{}) {
		t.Error("a mutex that can't be locked is held")
	}
}

// What was removed in the round that all parties have come to is over for all of them.
func TestBarrierRemovedAfterTheRound(t *testing.T) {
	for range ipctest.Count(200) {
		b := newTestBarrier(t, 2)
		start := make(chan struct{})
		go func() {
			<-start
			Remove(KindBarrier, b.Name(), nil)
		}()
		results := meet(t.Context(), b, 2)
		close(start)
		one, other := <-results, <-results
		if (one.err == nil) != (other.err == nil) {
			t.Fatalf("the round was over for one party, and not for the other: %v, %v", one.err, other.err)
		}
	}
}

// An object of another version loses its name and is not changed.
func TestRemoveOtherVersion(t *testing.T) {
	for kind := range openers {
		if kind == KindSemaphore {
			continue // its layout is glibc's
		}
		for _, version := range []uint16{layoutVersion - 1, layoutVersion + 1} {
			path, err := object.Path(kindTable[kind].file, ipctest.UniqueName(), 0)
			if err != nil {
				t.Fatal(err)
			}
			h := layout.Header{Kind: kindTable[kind].file, Version: version, Reader: version, Writer: version, Slots: 504, Payload: Size - 64}
			content, err := h.Encode()
			if err != nil {
				t.Fatal(err)
			}
			content = append(content, make([]byte, h.Payload)...)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			mustRemove(t, kind, filepath.Base(path)[len("bw."+kindTable[kind].file+"."):])
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s, version %d: it is still there", kind, version)
			}
			if now, err := io.ReadAll(f); err != nil || string(now) != string(content) {
				t.Errorf("%s, version %d: it was changed, %v", kind, version, err)
			}
		}
	}
}

// The words of a semaphore are glibc's, and those of the table beside it say what holds its
// permits: neither is marked.
func TestRemoveDoesntMarkSemaphores(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	mustAcquire(t, s)
	var files []*os.File
	for _, prefix := range []string{"sem.", "bw.track."} {
		f, err := os.Open("/dev/shm/" + prefix + s.Name())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	words := func() (w [2]uint64) {
		for i, at := range []int64{0, 64} {
			var b [8]byte
			if _, err := files[i].ReadAt(b[:], at); err != nil {
				t.Fatal(err)
			}
			w[i] = binary.LittleEndian.Uint64(b[:])
		}
		return w
	}
	before := words()
	mustRemove(t, KindSemaphore, s.Name())
	if now := words(); now != before {
		t.Errorf("words %#x became %#x", before, now)
	}
	if _, err := s.Release(1); err != nil { // for waiters that have it open
		t.Error(err)
	}
}

// A process removes what it has created, whatever others create, remove and replace at the
// same time.
func TestRemoveTakesNoOthersObject(t *testing.T) {
	name := ipctest.UniqueName()
	defer removeIfThere(t, KindMutex, name)
	var created atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range ipctest.Count(20_000) {
				m, err := CreateMutex(name, nil)
				if errors.Is(err, os.ErrExist) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				created.Add(1)
				// This process alone may remove it: it is not marked before.
				err = errors.Join(lockAndUnlock(m), Remove(KindMutex, name, nil), m.Close())
				if err != nil {
					t.Error("another's object was removed: ", err)
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d were created", created.Load())
}

func lockAndUnlock(m *Mutex) error {
	h, err := m.Lock(context.Background())
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return h.Unlock()
}

// strangeRemover removes the object Args[1] of the kind Args[0].
var strangeRemover = ipctest.Helper("strange remover", func(c *ipctest.Control) error {
	err := Remove(Kind(c.Args[0]), c.Args[1], nil)
	c.Say("permission %v: %v", errors.Is(err, os.ErrPermission), err)
	return nil
})

// A user who may use an object, and not remove its name, doesn't mark it either.
func TestRemoveByAStrangerChangesNothing(t *testing.T) {
	uid, start := asStranger(t)
	m := newTestMutex(t, &Config{Mode: 0o666})
	p := start(strangeRemover, uid, string(KindMutex), m.Name())
	if line := p.Hear(); !strings.HasPrefix(line, "permission true") {
		t.Error(line)
	}
	if err := lockAndUnlock(m); err != nil {
		t.Error(err)
	}
	again, err := OpenMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
