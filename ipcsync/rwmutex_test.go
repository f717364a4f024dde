package ipcsync

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// newTestRWMutex makes a lock that is closed and removed when the test is over.
func newTestRWMutex(t testing.TB, cfg *Config) *RWMutex {
	t.Helper()
	m, err := CreateRWMutex(ipctest.UniqueName(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		removeIfThere(t, KindRWMutex, m.Name())
	})
	return m
}

// rwUser opens the lock Args[0], or the one in the file Args[0] when it hears of
// it, and does what it hears.
var rwUser = ipctest.Helper("rw user", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if len(c.Args) > 1 {
		c.Hear()
		f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		mapping, err := mmap.Map(f, nil)
		if err != nil {
			return err
		}
		defer mapping.Close()
		if m, err = OpenRWMutex("", &Config{At: Place{f, 0}}); err != nil {
			return err
		}
		c.Say("slot %d", m.lock.Me.Holder&0xffff-1)
	} else if err != nil {
		return err
	}
	defer m.Close()
	var h Held
	for {
		answer := "done"
		switch c.Hear() {
		case "lock":
			h, err = m.Lock(context.Background())
			answer = "locked " + strconv.FormatBool(h.Recovered())
		case "read":
			h, err = m.RLock(context.Background())
			answer = "reading"
		case "mark":
			err = h.MarkConsistent()
		case "unlock":
			err = h.Unlock()
		default:
			return nil
		}
		if err != nil {
			return err
		}
		c.Say("%s", answer)
	}
})

func end(t testing.TB, p *ipctest.Process) {
	t.Helper()
	p.Say("end")
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.Stderr())
	}
}

// mustTake calls Lock or RLock, which must succeed.
func mustTake(t testing.TB, take func(context.Context) (Held, error)) Held {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	h, err := take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// acquiring calls Lock or RLock in a goroutine of its own.
func acquiring(t testing.TB, take func(context.Context) (Held, error)) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		h, err := take(t.Context())
		done <- outcome{h, err}
	}()
	return done
}

type outcome struct {
	Held
	err error
}

// soon is how an attempt ended that was to end soon.
func soon(t testing.TB, done <-chan outcome) outcome {
	t.Helper()
	start := time.Now()
	select {
	case o := <-done:
		ipctest.WantSince(t, start, soonBound)
		return o
	case <-time.After(ipctest.Patience):
		t.Fatal("it still waits")
		panic("not reached")
	}
}

func wantHeld(t testing.TB, o outcome, recovered bool) Held {
	t.Helper()
	if o.err != nil {
		t.Fatal(o.err)
	}
	if o.Recovered() != recovered {
		t.Errorf("recovered: %v", o.Recovered())
	}
	return o.Held
}

// wantBoth waits until a reader and a writer have had their turn, in any order.
func wantBoth(t testing.TB, reading, writing <-chan outcome) {
	t.Helper()
	start := time.Now()
	for range 2 {
		select {
		case o := <-reading:
			mustUnlock(t, wantHeld(t, o, false))
		case o := <-writing:
			mustUnlock(t, wantHeld(t, o, false))
		case <-time.After(ipctest.Patience):
			t.Fatal("they still wait")
		}
	}
	ipctest.WantSince(t, start, soonBound)
}

// wantTry checks what TryLock and TryRLock say, and unlocks what they took.
func wantTry(t testing.TB, m *RWMutex, write, read bool) {
	t.Helper()
	for _, try := range []struct {
		name string
		f    func() (Held, bool, error)
		want bool
	}{{"TryLock", m.TryLock, write}, {"TryRLock", m.TryRLock, read}} {
		h, ok, err := try.f()
		if err != nil || ok != try.want {
			t.Fatalf("%s says %v, %v", try.name, ok, err)
		}
		if ok {
			mustUnlock(t, h)
		}
	}
}

func wantRWStats(t testing.TB, m *RWMutex, want Stats) {
	t.Helper()
	want.Max = -1
	st, err := m.Stats()
	if err != nil {
		t.Fatal(err)
	}
	st.PIDs = nil
	if st.Value != want.Value || st.Max != want.Max || st.Holders != want.Holders || st.Waiters != want.Waiters || st.Recoveries != want.Recoveries {
		t.Errorf("stats: %+v, want %+v", st, want)
	}
}

func TestRWMutexSharesAndExcludes(t *testing.T) {
	m := newTestRWMutex(t, nil)
	p := ipctest.Start(t, rwUser, m.Name())
	tell(t, p, "read", "reading")
	wantTry(t, m, false, true)
	first, second := mustTake(t, m.RLock), mustTake(t, m.RLock)
	wantRWStats(t, m, Stats{Holders: 3})
	if st, _ := m.Stats(); len(st.PIDs) != 2 {
		t.Errorf("processes: %v", st.PIDs)
	}
	mustUnlock(t, first)
	tell(t, p, "unlock", "done")
	wantTry(t, m, false, true)
	mustUnlock(t, second)
	wantTry(t, m, true, true)

	tell(t, p, "lock", "locked false")
	wantTry(t, m, false, false)
	wantRWStats(t, m, Stats{Holders: 1})
	reading, writing := acquiring(t, m.RLock), acquiring(t, m.Lock)
	awaitWaiters(t, m, 2)
	tell(t, p, "unlock", "done")
	wantBoth(t, reading, writing)
	wantRWStats(t, m, Stats{Value: 1})
	end(t, p)
}

func TestRWMutexUnlockTwice(t *testing.T) {
	m := newTestRWMutex(t, nil)
	w := mustTake(t, m.Lock)
	mustUnlock(t, w)
	ipctest.WantError(t, w.Unlock(), os.ErrInvalid)
	first := mustTake(t, m.RLock)
	mustUnlock(t, first)
	ipctest.WantError(t, first.Unlock(), os.ErrInvalid)
	second := mustTake(t, m.RLock)
	ipctest.WantError(t, first.Unlock(), os.ErrInvalid)
	ipctest.WantError(t, w.Unlock(), os.ErrInvalid)
	wantTry(t, m, false, true)
	ipctest.WantError(t, second.MarkConsistent(), os.ErrInvalid, "held to read")
	mustUnlock(t, second)
	wantTry(t, m, true, true)
}

func TestRWMutexDo(t *testing.T) {
	m := newTestRWMutex(t, nil)
	testDo(t, m, func() *ipctest.Process {
		p := ipctest.Start(t, rwUser, m.Name())
		p.Say("lock")
		return p
	})
}

func TestRWMutexOfADeadWriter(t *testing.T) {
	m := newTestRWMutex(t, nil)
	p := ipctest.Start(t, rwUser, m.Name())
	tell(t, p, "lock", "locked false")
	reading := acquiring(t, m.RLock)
	awaitWaiters(t, m, 1)
	p.Kill()
	r := wantHeld(t, soon(t, reading), true)
	ipctest.WantError(t, r.MarkConsistent(), os.ErrInvalid, "Lock it")
	wantRWStats(t, m, Stats{Holders: 1, PIDs: []int{os.Getpid()}, Recoveries: 1, Recovered: true})
	mustUnlock(t, r)
	ipctest.WantError(t, r.Unlock(), os.ErrInvalid)
	h := wantHeld(t, soon(t, acquiring(t, m.Lock)), true)
	reading = acquiring(t, m.RLock) // while it is being repaired
	awaitWaiters(t, m, 1)
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
	mustUnlock(t, wantHeld(t, <-reading, false))
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.Lock)), false))
	wantRWStats(t, m, Stats{Value: 1, Recoveries: 1})
}

// A writer that waits for readers keeps others out, and when it is killed or gives
// up there is nothing to recover.
func TestRWMutexOfAPendingWriter(t *testing.T) {
	m := newTestRWMutex(t, nil)
	for _, ending := range []string{"kill", "cancel"} {
		t.Run(ending, func(t *testing.T) {
			before, err := m.Stats()
			if err != nil {
				t.Fatal(err)
			}
			held := mustTake(t, m.RLock)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var p *ipctest.Process
			var writing <-chan outcome
			if ending == "kill" {
				p = ipctest.Start(t, rwUser, m.Name())
				p.Say("lock")
			} else {
				writing = acquiring(t, func(context.Context) (Held, error) { return m.Lock(ctx) })
			}
			awaitWaiters(t, m, 1)
			wantTry(t, m, false, false)
			reading, next := acquiring(t, m.RLock), acquiring(t, m.Lock)
			awaitWaiters(t, m, 3)
			if ending == "kill" {
				p.Kill()
			} else {
				cancel()
				ipctest.WantError(t, soon(t, writing).err, context.Canceled)
			}
			mustUnlock(t, held)
			wantBoth(t, reading, next)
			wantRWStats(t, m, Stats{Value: 1, Recoveries: before.Recoveries})
		})
	}
}

// A writer that gives up before it may touch anything leaves what a dead one left
// to the next.
func TestRWMutexGivesUpRecovery(t *testing.T) {
	m := newTestRWMutex(t, nil)
	p := ipctest.Start(t, rwUser, m.Name())
	tell(t, p, "lock", "locked false")
	p.Kill()
	state := &m.lock.Me.Entry.State
	state.Add(1) // as a reader does before it sees that it may not
	ctx, cancel := context.WithCancel(t.Context())
	writing := acquiring(t, func(context.Context) (Held, error) { return m.Lock(ctx) })
	awaitWaiters(t, m, 1)
	wantTry(t, m, false, false)
	cancel()
	ipctest.WantError(t, (<-writing).err, context.Canceled)
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), true))
	m.lock.leave()
	h := wantHeld(t, soon(t, acquiring(t, m.Lock)), true)
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
	wantTry(t, m, true, true)
	wantRWStats(t, m, Stats{Value: 1, Recoveries: 1})
}

// A process that takes a dead one's slot at once is not taken for it.
func TestRWMutexSlotTakenAtOnce(t *testing.T) {
	at := newPlace(t, 1)
	m, err := CreateRWMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, held := range []string{"read", "lock", "pending"} {
		t.Run(held, func(t *testing.T) {
			for range 5 {
				start := func() *ipctest.Process { return ipctest.Start(t, rwUser, at.File.Name(), "place") }
				dying, next := start(), start()
				tell(t, dying, "open", "slot 1")
				switch held {
				case "read":
					tell(t, dying, "read", "reading")
				case "lock":
					tell(t, dying, "lock", "locked false")
				case "pending":
					ours := mustTake(t, m.RLock)
					dying.Say("lock")
					awaitWaiters(t, m, 1)
					defer mustUnlock(t, ours)
				}
				var waiting <-chan outcome
				if held == "pending" {
					waiting = acquiring(t, m.RLock)
				} else {
					waiting = acquiring(t, m.Lock)
				}
				for {
					st, err := m.Stats()
					if err != nil {
						t.Fatal(err)
					}
					if st.Waiters > 0 && (held != "pending" || st.Waiters == 2) {
						break
					}
				}
				dying.Kill()
				next.Say("open")
				answer := next.Hear()
				// On Windows the look whether a holder lives has its slot for a moment.
				if answer != "slot 1" && (answer != "slot 2" || runtime.GOOS != "windows") {
					t.Fatalf("open: %q, want slot 1; stderr: %s", answer, next.Stderr())
				}
				h := wantHeld(t, soon(t, waiting), held == "lock")
				next.Say("read")
				if held == "pending" {
					next.Expect("reading")
				} else {
					awaitWaiters(t, m, 1)
				}
				if err := h.MarkConsistent(); h.Recovered() && err != nil {
					t.Error(err)
				}
				mustUnlock(t, h)
				if held != "pending" {
					next.Expect("reading")
				}
				tell(t, next, "unlock", "done")
				end(t, next)
			}
		})
	}
}

// A call that comes late finds the lock closed, whatever it took meanwhile.
func TestRWMutexClosing(t *testing.T) {
	m := newTestRWMutex(t, nil)
	other, err := OpenRWMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	m.lock.Shut() // as far as Close has come
	for _, f := range []func(context.Context) (Held, error){m.Lock, m.RLock} {
		_, err := f(t.Context())
		ipctest.WantError(t, err, os.ErrClosed)
	}
	for _, f := range []func() (Held, bool, error){m.TryLock, m.TryRLock} {
		_, ok, err := f()
		ipctest.WantError(t, err, os.ErrClosed)
		if ok {
			t.Error("it was taken")
		}
	}
	wantRWStats(t, other, Stats{Value: 1})
	wantTry(t, other, true, true)
}

// A writer that unlocks lets readers go before the next writer.
func TestRWMutexReadersTurn(t *testing.T) {
	m := newTestRWMutex(t, nil)
	wantTurn := func(want uint32) {
		t.Helper()
		if turn := m.lock.head.turn.Load(); turn != want {
			t.Errorf("turn is %d, want %d", turn, want)
		}
	}
	h := mustTake(t, m.Lock)
	reading := acquiring(t, m.RLock)
	awaitWaiters(t, m, 1)
	wantTurn(turnWanted)
	mustUnlock(t, h)
	h = wantHeld(t, <-reading, false)
	wantTurn(turnReaders)
	mustUnlock(t, h)
	wantTurn(turnOpen)

	// A writer that looks just when the readers' time is up takes the lock. That
	// doesn't happen again and again.
	respected := false
	for range 20 {
		h := mustTake(t, m.Lock)
		m.lock.head.turn.Store(turnWanted)
		mustUnlock(t, h)
		writing := acquiring(t, m.Lock)
		for len(writing) == 0 {
			if st, err := m.Stats(); err != nil || st.Waiters > 0 {
				break
			}
		}
		reader, ok, err := m.TryRLock()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			respected = true
			mustUnlock(t, reader)
		}
		mustUnlock(t, wantHeld(t, <-writing, false))
	}
	if !respected {
		t.Error("writers come before readers")
	}
	wantTurn(turnOpen)
}

// What a process wanted that died delays one writer, and not for long.
func TestRWMutexStaleTurn(t *testing.T) {
	m := newTestRWMutex(t, nil)
	m.lock.head.turn.Store(turnWanted)
	mustUnlock(t, mustTake(t, m.Lock))
	h, ok, err := m.TryLock() // doesn't wait for others to come
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	mustUnlock(t, h)
	if turn := m.lock.head.turn.Load(); turn != turnReaders {
		t.Errorf("turn is %d", turn)
	}
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.Lock)), false))
	if turn := m.lock.head.turn.Load(); turn != turnOpen {
		t.Errorf("turn is %d", turn)
	}
}

// A writer that has little time, or none, takes a free lock whose turn is that of a
// reader that died.
func TestRWMutexStaleTurnWithoutTime(t *testing.T) {
	for access, cfg := range rwAccess {
		t.Run(access, func(t *testing.T) {
			m := newTestRWMutex(t, cfg)
			h := mustTake(t, m.Lock)
			reader := ipctest.Start(t, rwUser, m.Name())
			reader.Say("read")
			awaitWaiters(t, m, 1)
			reader.Kill()
			mustUnlock(t, h)
			if turn := m.lock.head.turn.Load(); turn != turnReaders {
				t.Fatalf("turn is %d", turn)
			}
			for _, patience := range []time.Duration{0, 10 * time.Millisecond} {
				m.lock.head.turn.Store(turnReaders)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				h, err := m.Lock(ctx)
				if err != nil {
					t.Errorf("with %v: %v", patience, err)
					continue
				}
				mustUnlock(t, h)
			}
		})
	}
}

// Waiters are woken, and don't only look again after a while.
func TestRWMutexWakes(t *testing.T) {
	m := newTestRWMutex(t, nil)
	other, err := OpenRWMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, c := range map[string]struct {
		held, waiting func(context.Context) (Held, error)
	}{
		"writer wakes writer": {m.Lock, other.Lock},
		"writer wakes reader": {m.Lock, other.RLock},
		"reader wakes writer": {m.RLock, other.Lock},
	} {
		t.Run(name, func(t *testing.T) {
			wantAwake(t, func() <-chan outcome {
				h := mustTake(t, c.held)
				waiting := acquiring(t, c.waiting)
				awaitWaiters(t, m, 1)
				mustUnlock(t, h)
				return waiting
			})
		})
	}
	t.Run("writer that gives up wakes reader", func(t *testing.T) {
		wantAwake(t, func() <-chan outcome {
			h := mustTake(t, m.RLock)
			defer mustUnlock(t, h)
			ctx, cancel := context.WithCancel(t.Context())
			writing := acquiring(t, func(context.Context) (Held, error) { return m.Lock(ctx) })
			awaitWaiters(t, m, 1)
			reading := acquiring(t, other.RLock)
			awaitWaiters(t, m, 2)
			cancel()
			ipctest.WantError(t, (<-writing).err, context.Canceled)
			return reading
		})
	})
	t.Run("reader whose turn it was wakes writer", func(t *testing.T) {
		wantAwake(t, func() <-chan outcome {
			h := mustTake(t, m.RLock)
			m.lock.head.turn.Store(turnReaders)
			writing := acquiring(t, other.Lock)
			awaitWaiters(t, m, 1)
			mustUnlock(t, h)
			return writing
		})
	})
}

// wantAwake checks that a waiter that let lets go has the lock soon: of many rounds
// most would take 50 ms if it only looked again.
func wantAwake(t *testing.T, let func() <-chan outcome) {
	t.Helper()
	const rounds = 20
	var total time.Duration
	for range rounds {
		waiting := let()
		start := time.Now()
		h := wantHeld(t, <-waiting, false)
		total += time.Since(start)
		mustUnlock(t, h)
	}
	ipctest.WantWithin(t, total/rounds, 10*time.Millisecond)
}

func TestRWMutexExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenRWMutex(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateRWMutex", "ipc create rwmutex://")
	m := newTestRWMutex(t, nil)
	_, err = CreateRWMutex(m.Name(), nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenRWMutex", "ipc rm rwmutex://")
	other, err := OpenOrCreateRWMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !m.Created() {
		t.Error("it was created by the wrong one")
	}
	other.Close()
	_, err = CreateRWMutex("a/b", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "'/'")
	ipctest.WantError(t, Remove(KindRWMutex, name, nil), os.ErrNotExist)
	at := newPlace(t, 1)
	_, err = OpenRWMutex("", &Config{At: at})
	ipctest.WantError(t, err, os.ErrNotExist)
	mutex, err := CreateMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer mutex.Close()
	_, err = OpenRWMutex("", &Config{At: at})
	ipctest.WantError(t, err, breezeway.ErrMismatch)
}

// Nonsense in a lock that is in use is an error, and nothing worse.
func TestRWMutexOverwritten(t *testing.T) {
	at := newPlace(t, 1)
	m, err := CreateRWMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	head, state := m.lock.head, &m.lock.Me.Entry.State
	wantAll := func() {
		t.Helper()
		_, err = m.Lock(t.Context())
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		_, err = m.RLock(t.Context())
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		_, _, err = m.TryLock()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		_, _, err = m.TryRLock()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		_, err = m.Stats()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
	}
	head.word.Store(robust.DefaultSlots + 1) // the number behind the last
	wantAll()
	head.word.Store(0xfffe)
	wantAll()
	head.word.Store(0)
	head.used.Store(1 << 31)
	head.turn.Store(77)
	mustUnlock(t, mustTake(t, m.Lock))
	mustUnlock(t, mustTake(t, m.RLock))
	h := mustTake(t, m.RLock)
	old := state.Swap(5<<32 | 3)
	mustUnlock(t, h) // which has no holder any more
	if s := state.Load(); s != 5<<32|3 {
		t.Errorf("another generation's state was changed to %#x", s)
	}
	_, err = m.RLock(t.Context())
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	state.Store(old &^ countBits)
	h = mustTake(t, m.Lock)
	head.word.Store(0)
	ipctest.WantError(t, h.Unlock(), os.ErrInvalid)
	mustUnlock(t, mustTake(t, m.Lock))
}

// Where several waits share a claim, those that come second take nothing.
func TestRWMutexClaim(t *testing.T) {
	m := newTestRWMutex(t, nil)
	c := new(robust.Claim)
	c.Take(func() (bool, error) { return true, nil })
	for _, take := range []func(context.Context, *robust.Claim) (Held, error){m.lock.Lock, m.lock.RLock} {
		if _, err := take(t.Context(), c); !errors.Is(err, robust.ErrTaken) {
			t.Errorf("error is %v", err)
		}
		wantTry(t, m, true, true)
	}
	c = new(robust.Claim)
	reader := mustTake(t, m.RLock)
	writing := acquiring(t, func(ctx context.Context) (Held, error) { return m.lock.Lock(ctx, c) })
	awaitWaiters(t, m, 1)
	if ok, err := c.Take(func() (bool, error) { return true, nil }); !ok || err != nil {
		t.Error("a writer that still waits for readers has the claim", err)
	}
	mustUnlock(t, reader)
	if err := (<-writing).err; !errors.Is(err, robust.ErrTaken) {
		t.Errorf("error is %v", err)
	}
	wantTry(t, m, true, true)
	wantRWStats(t, m, Stats{Value: 1})
}

// Of several it takes one, and lets readers in again when that is another.
func TestRWMutexAny(t *testing.T) {
	a, b := newTestRWMutex(t, nil), newTestMutex(t, nil)
	mustUnlock(t, wantAny(t, 0, a, b))
	reader, other := mustTake(t, a.RLock), mustLock(t, b)
	taken := make(chan int)
	go func() {
		i, h, err := WaitAny(t.Context(), a, b)
		if err != nil {
			t.Error(err)
		}
		mustUnlock(t, h)
		taken <- i
	}()
	awaitWaiters(t, a, 1)
	awaitWaiters(t, b, 1)
	mustUnlock(t, other)
	if i := <-taken; i != 1 {
		t.Errorf("it took %d", i)
	}
	wantTry(t, a, false, true)
	mustUnlock(t, reader)
	wantRWStats(t, a, Stats{Value: 1})
}

// numbers are equal whenever no writer is at work.
type numbers [8]int64

func (n *numbers) areEqual() bool {
	for _, v := range n {
		if v != n[0] {
			return false
		}
	}
	return true
}

// workOn has n writes and meanwhile reads done under the lock.
func workOn(m *RWMutex, p *numbers, n int) error {
	var done atomic.Bool
	reading := make(chan error, 1)
	go func() {
		for !done.Load() {
			h, err := m.RLock(context.Background())
			if err != nil {
				reading <- err
				return
			}
			equal := p.areEqual()
			if err := h.Unlock(); err != nil {
				reading <- err
				return
			}
			if !equal {
				reading <- errors.New("a reader saw a writer at work")
				return
			}
		}
		reading <- nil
	}()
	err := func() error {
		for range n {
			h, err := m.Lock(context.Background())
			if err != nil {
				return err
			}
			for i := range p {
				p[i]++
			}
			if err := h.Unlock(); err != nil {
				return err
			}
		}
		return nil
	}()
	done.Store(true)
	return errors.Join(err, <-reading)
}

// rwWorker works Args[2] times on the segment Args[1] under the lock Args[0].
var rwWorker = ipctest.Helper("rw worker", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	p, closeShared, err := openShared[numbers](c.Args[1])
	if err != nil {
		return err
	}
	defer closeShared()
	n, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	c.Say("ready")
	c.Hear()
	if err := workOn(m, p, n); err != nil {
		return err
	}
	c.Say("done")
	return nil
})

func TestRWMutexContention(t *testing.T) {
	m := newTestRWMutex(t, nil)
	seg, p := newShared[numbers](t)
	n := ipctest.Count(500_000)
	peer := ipctest.Start(t, rwWorker, m.Name(), seg.Name(), strconv.Itoa(n))
	peer.Expect("ready")
	peer.Say("go")
	if err := workOn(m, p, n); err != nil {
		t.Error(err)
	}
	peer.Expect("done")
	if p[0] != int64(2*n) || !p.areEqual() {
		t.Errorf("counted %d, want %d", *p, 2*n)
	}
	wantRWStats(t, m, Stats{Value: 1})
}

// rwStream takes the lock Args[0] to read or to write, as Args[1] says, in two
// goroutines again and again, each giving it back only when the other has it or
// waits for it where that is possible.
var rwStream = ipctest.Helper("rw stream", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	take := m.Lock
	if c.Args[1] == "read" {
		take = m.RLock
	}
	var stop atomic.Bool
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			for !stop.Load() {
				h, err := take(context.Background())
				if err == nil {
					time.Sleep(100 * time.Microsecond)
					err = h.Unlock()
				}
				if err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	c.Say("streaming")
	c.Hear()
	stop.Store(true)
	return errors.Join(<-failed, <-failed)
})

// Neither kind keeps the other one out for long.
func TestRWMutexStarvesNeitherKind(t *testing.T) {
	for _, stream := range []string{"read", "lock"} {
		t.Run(stream, func(t *testing.T) {
			m := newTestRWMutex(t, nil)
			var streams []*ipctest.Process
			for range 2 {
				p := ipctest.Start(t, rwStream, m.Name(), stream)
				p.Expect("streaming")
				streams = append(streams, p)
			}
			take := m.Lock
			if stream == "lock" {
				take = m.RLock
			}
			var longest time.Duration
			for range ipctest.Count(200) {
				start := time.Now()
				h := mustTake(t, take)
				longest = max(longest, time.Since(start))
				mustUnlock(t, h)
			}
			t.Logf("the longest wait was %v", longest)
			ipctest.WantWithin(t, longest, 600*time.Millisecond)
			for _, p := range streams {
				end(t, p)
			}
		})
	}
}

// cancelStorm takes the lock in all ways, with contexts that end at any time.
func cancelStorm(m *RWMutex, rounds int) error {
	errs := make(chan error, 6)
	for i := range cap(errs) {
		go func() {
			take := m.RLock
			if i%2 == 0 {
				take = m.Lock
			}
			for range rounds {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Microsecond)
				h, err := take(ctx)
				cancel()
				if err == nil {
					err = h.Unlock()
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var err error
	for range cap(errs) {
		err = errors.Join(err, <-errs)
	}
	return err
}

var rwStormer = ipctest.Helper("rw stormer", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	rounds, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	if err := cancelStorm(m, rounds); err != nil {
		return err
	}
	c.Say("done")
	c.Hear()
	return nil
})

// Waits that end at any moment leave nothing behind.
func TestRWMutexCancelStorm(t *testing.T) {
	m := newTestRWMutex(t, nil)
	rounds := ipctest.Count(1000)
	p := ipctest.Start(t, rwStormer, m.Name(), strconv.Itoa(rounds))
	if err := cancelStorm(m, rounds); err != nil {
		t.Error(err)
	}
	p.Expect("done")
	wantRWStats(t, m, Stats{Value: 1})
	wantTry(t, m, true, true)
	if w := m.lock.head.turn.Load(); w != turnOpen {
		t.Errorf("a turn is left over: %d", w)
	}
	start := time.Now()
	mustUnlock(t, mustTake(t, m.Lock))
	ipctest.WantSince(t, start, 100*time.Millisecond)
	end(t, p)
}
