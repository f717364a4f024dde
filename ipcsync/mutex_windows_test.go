package ipcsync

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// rawMutex makes or opens the kernel's mutex as a program does that doesn't use this
// package, such as one that uses System.Threading.Mutex.
func rawMutex(name string) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(`Local\` + name)
	if err != nil {
		return 0, err
	}
	security, err := plainSecurity()
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateMutex(security, false, p)
	if h != 0 {
		err = nil
	}
	return h, err
}

// foreigner takes the kernel's mutex Args[0] and gives it back as it hears, until
// it is killed.
var foreigner = ipctest.Helper("foreigner", func(c *ipctest.Control) error {
	runtime.LockOSThread()
	h, err := rawMutex(c.Args[0])
	if err != nil {
		return err
	}
	c.Say("ready")
	for {
		switch c.Hear() {
		case "lock":
			event, err := windows.WaitForSingleObject(h, windows.INFINITE)
			if err != nil {
				return err
			}
			c.Say("locked %v", event == windows.WAIT_ABANDONED)
		case "unlock":
			if err := windows.ReleaseMutex(h); err != nil {
				return err
			}
			c.Say("done")
		default:
			return nil
		}
	}
})

func startForeigner(t *testing.T, name string) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, foreigner, name)
	p.Expect("ready")
	return p
}

func kill(p *ipctest.Process) {
	p.Kill()
	p.Wait()
}

func TestMutexOfOthers(t *testing.T) {
	name := ipctest.UniqueName()
	p := startForeigner(t, name)
	m, err := OpenMutex(name, nil) // there is nothing of ours yet
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p.Say("lock")
	p.Expect("locked false")
	wantBusy(t, m)
	st, err := m.Stats()
	if err != nil || st.Value != 0 || st.Holders != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	if want := []int{p.Cmd.Process.Pid}; !ipctest.UnderWine() && !slices.Equal(st.PIDs, want) { // Wine doesn't tell
		t.Errorf("held by %v, not %v", st.PIDs, want)
	}
	locked := make(chan Held)
	go func() { locked <- mustLock(t, m) }()
	awaitWaiters(t, m, 1)
	p.Say("unlock")
	p.Expect("done")
	h := <-locked
	if h.Recovered() {
		t.Error("recovered, though the owner unlocked")
	}
	p.Say("lock")
	mustUnlock(t, h)
	p.Expect("locked false")

	// Its death, our Close, our death.
	kill(p)
	h = mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told that the owner died")
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	p = startForeigner(t, name)
	p.Say("lock")
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	p.Expect("locked true")
	p.Say("unlock")
	p.Expect("done")
	ours := ipctest.Start(t, lockHolder, name)
	ours.Expect("locked false")
	p.Say("lock")
	kill(ours)
	p.Expect("locked true")
}

// A goroutine that ends with its thread locked ends the thread, except the main
// one: whichever it was, the next one must get the mutex.
func TestMutexClosedHeld(t *testing.T) {
	m := newTestMutex(t, nil)
	for range 50 {
		other, err := OpenMutex(m.Name(), nil)
		if err != nil {
			t.Fatal(err)
		}
		mustLock(t, other)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		h, ok, err := m.TryLock()
		if !ok || err != nil {
			t.Fatal("a closed lock is held:", err)
		}
		if !h.Recovered() {
			t.Fatal("not told that the holder closed")
		}
		if err := h.MarkConsistent(); err != nil {
			t.Fatal(err)
		}
		mustUnlock(t, h)
	}
	if st, err := m.Stats(); err != nil || st.Recoveries != 50 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// What has the name of the semaphore beside the mutex, and is something else, is
// refused and left as it is.
func TestMutexForeignBeside(t *testing.T) {
	name := ipctest.UniqueName()
	security, err := plainSecurity()
	if err != nil {
		t.Fatal(err)
	}
	beside, err := sys.CreateSemaphore(`Local\bw.mutex.`+name, 3, 10, security)
	if err != nil {
		t.Fatal(err)
	}
	_, err = CreateMutex(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "bw.mutex."+name, "maximum, 10")
	if value, _, err := sys.QuerySemaphore(beside); value != 3 || err != nil {
		t.Error("it was changed:", value, err)
	}
	windows.CloseHandle(beside)
	event, err := windows.CreateEvent(nil, 0, 0, windows.StringToUTF16Ptr(`Local\bw.mutex.`+name))
	if err != nil {
		t.Fatal(err)
	}
	_, err = CreateMutex(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "bw.mutex."+name, "semaphore")
	windows.CloseHandle(event)
	m, err := CreateMutex(name, nil)
	if err != nil {
		t.Fatal("the failures left something:", err)
	}
	m.Close()
}

// A mutex that is not consistent goes with its last handle like any other.
func TestMutexGoesInconsistent(t *testing.T) {
	m := newTestMutex(t, nil)
	leaveInconsistent(t, m)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	_, err := OpenMutex(m.Name(), nil)
	ipctest.WantError(t, err, os.ErrNotExist)
	again, err := OpenOrCreateMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !again.Created() {
		t.Error("it was there still")
	}
	if st, err := again.Stats(); err != nil || st.Recoveries != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	mustUnlock(t, mustLock(t, again))
}

// A new mutex is consistent, whatever the semaphore beside it says of one that is
// gone.
func TestMutexMadeAnew(t *testing.T) {
	m := newTestMutex(t, nil)
	late, err := sys.OpenSemaphore(`Local\bw.mutex.` + m.Name()) // as a process has it that is just opening or closing
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(late)
	leaveInconsistent(t, m)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	again, err := CreateMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	h := mustLock(t, again)
	if h.Recovered() {
		t.Error("recovered though it is new")
	}
	mustUnlock(t, h)
}

// leaveInconsistent has an owner of the mutex die, and unlocks without a mark.
func leaveInconsistent(t *testing.T, m *Mutex) {
	t.Helper()
	p := startForeigner(t, m.Name())
	p.Say("lock")
	p.Expect("locked false")
	kill(p)
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told that the owner died")
	}
	mustUnlock(t, h)
}

// The kernel tells one process of the death. If that is a program that doesn't use
// this package, the package doesn't learn of it.
func TestMutexForeignerTakesTheDeath(t *testing.T) {
	m := newTestMutex(t, nil)
	first, second := startForeigner(t, m.Name()), startForeigner(t, m.Name())
	first.Say("lock")
	first.Expect("locked false")
	kill(first)
	second.Say("lock")
	second.Expect("locked true")
	second.Say("unlock")
	second.Expect("done")
	h := mustLock(t, m)
	if h.Recovered() {
		t.Error("told of a death that the kernel has told another program")
	}
	mustUnlock(t, h)
}

func TestMutexScopes(t *testing.T) {
	m := newTestMutex(t, nil)
	machine, err := CreateMutex(m.Name(), &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	h := mustLock(t, m)
	mustUnlock(t, mustLock(t, machine))
	again, err := OpenMutex(m.Name(), &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	h2 := mustLock(t, machine)
	wantBusy(t, again)
	mustUnlock(t, h2)
	mustUnlock(t, h)
}

func TestMutexLogsRecovery(t *testing.T) {
	var log bytes.Buffer
	m := newTestMutex(t, &Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	kill(p)
	h := mustLock(t, m)
	if !strings.Contains(log.String(), "name="+m.Name()) {
		t.Errorf("logged %q", &log)
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error("marked twice:", err)
	}
	mustUnlock(t, h)
	ipctest.WantError(t, h.MarkConsistent(), os.ErrInvalid)
}

// The kernel forgets a waiter that dies.
func TestMutexWaitersOfTheDead(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	p := ipctest.Start(t, lockHolder, m.Name())
	awaitWaiters(t, m, 1)
	kill(p)
	awaitWaiters(t, m, 0)
	mustUnlock(t, h)
	mustUnlock(t, mustLock(t, m))
}

// A claim that has taken something else leaves the mutex as it was.
func TestMutexClaim(t *testing.T) {
	m := newTestMutex(t, nil)
	c := new(robust.Claim)
	c.Take(func() (bool, error) { return true, nil })
	_, err := m.mutex.Lock(t.Context(), c)
	ipctest.WantError(t, err, robust.ErrTaken)
	p := startForeigner(t, m.Name())
	p.Say("lock")
	p.Expect("locked false")
	kill(p)
	_, err = m.mutex.Lock(t.Context(), c)
	ipctest.WantError(t, err, robust.ErrTaken)
	ticket, err := m.mutex.Lock(t.Context(), new(robust.Claim))
	if err != nil {
		t.Fatal(err)
	}
	h := Held{m.holder, ticket}
	if !h.Recovered() {
		t.Error("the claim kept the death to itself")
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
}

// Another program that may use the mutex has filled the semaphore beside it.
func TestMutexFullBeside(t *testing.T) {
	m := newTestMutex(t, nil)
	beside, err := sys.OpenSemaphore(`Local\bw.mutex.` + m.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(beside)
	value, most, err := sys.QuerySemaphore(beside)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sys.ReleaseSemaphore(beside, most-value); err != nil {
		t.Fatal(err)
	}
	p := startForeigner(t, m.Name())
	p.Say("lock")
	p.Expect("locked false")
	kill(p)
	for range 2 {
		_, err = m.Lock(t.Context())
		ipctest.WantError(t, err, breezeway.ErrMismatch, "another program")
	}
	p = startForeigner(t, m.Name())
	p.Say("lock")
	p.Expect("locked true")
}

// threads counts this process's threads.
func threads(t *testing.T) (n int) {
	t.Helper()
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(snapshot)
	e := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &e); err == nil; err = windows.Thread32Next(snapshot, &e) {
		if e.OwnerProcessID == windows.GetCurrentProcessId() {
			n++
		}
	}
	return n
}

// handles counts this process's handles. Wine doesn't; there it tells how far up
// new handles go, which are made from the lowest free numbers.
func handles(t *testing.T) (n uint32) {
	t.Helper()
	if !ipctest.UnderWine() {
		err := windows.NtQueryInformationProcess(windows.CurrentProcess(), windows.ProcessHandleCount, unsafe.Pointer(&n), uint32(unsafe.Sizeof(n)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 20 {
		h, err := windows.CreateEvent(nil, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(h)
		n = max(n, uint32(h/4))
	}
	return n
}

// Of the waiters only one waits in the kernel.
func TestMutexManyWaiters(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	before := threads(t)
	const n = 200
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			h, err := m.Lock(context.Background())
			if err == nil {
				err = h.Unlock()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	awaitWaiters(t, m, n)
	if now := threads(t); now > before+16 {
		t.Errorf("%d threads, %d before", now, before)
	}
	mustUnlock(t, h)
	all.Wait()
	if st, err := m.Stats(); err != nil || st.Waiters != 0 || st.Value != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Whatever is done with it, Close leaves nothing.
func TestMutexLeavesNothing(t *testing.T) {
	name := ipctest.UniqueName()
	round := func() {
		m, err := OpenOrCreateMutex(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := mustLock(t, m)
		ctx, cancel := context.WithCancel(t.Context())
		cancelled, closed := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := m.Lock(ctx)
			cancelled <- err
		}()
		go func() {
			_, err := m.Lock(t.Context())
			closed <- err
		}()
		awaitWaiters(t, m, 2)
		if _, err := CreateMutex(name, nil); !errors.Is(err, os.ErrExist) {
			t.Error(err)
		}
		cancel()
		ipctest.WantError(t, <-cancelled, context.Canceled)
		unlocks := rand.IntN(2) == 0
		if unlocks {
			mustUnlock(t, h)
		}
		if err := m.Close(); err != nil { // though it is held and perhaps waited for
			t.Error(err)
		}
		if err := <-closed; !unlocks || err != nil {
			ipctest.WantError(t, err, os.ErrClosed)
		}
	}
	for range 10 { // the runtime's own threads and their handles
		round()
	}
	goroutines, threadsBefore, before := runtime.NumGoroutine(), threads(t), handles(t)
	const rounds = 100
	for range rounds {
		round()
	}
	for end := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) { // the last threads are going
		g, th, ha := runtime.NumGoroutine(), threads(t), handles(t)
		if g <= goroutines && th < threadsBefore+rounds/4 && ha < before+rounds/2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d threads, %d handles; before %d, %d, %d", g, th, ha, goroutines, threadsBefore, before)
		}
	}
}

// A wait that is cancelled, whenever, has taken nothing.
func TestMutexCancelStorm(t *testing.T) {
	m := newTestMutex(t, nil)
	p := startForeigner(t, m.Name())
	var inside, got int // not atomic: the mutex protects them
	var succeeded int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range ipctest.Count(10_000) {
				ctx, cancel := context.WithTimeout(context.Background(), rand.N(2*time.Millisecond))
				h, err := m.Lock(ctx)
				cancel()
				if errors.Is(err, context.DeadlineExceeded) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside++; inside != 1 {
					t.Error("two hold it")
				}
				got++
				mu.Lock()
				succeeded++
				mu.Unlock()
				inside--
				if err := h.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		p.Say("lock")
		p.Expect("locked false")
		p.Say("unlock")
		p.Expect("done")
	}
	all.Wait()
	h := mustLock(t, m)
	if h.Recovered() || got != succeeded || got == 0 {
		t.Errorf("recovered %v, %d inside, %d succeeded", h.Recovered(), got, succeeded)
	}
	mustUnlock(t, h)
	if st, err := m.Stats(); err != nil || st.Waiters != 0 || st.Value != 1 || st.Recoveries != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Of several calls of Unlock, Lock and Close at once one Unlock succeeds at most, and
// none hangs.
func TestMutexCloseStorm(t *testing.T) {
	m := newTestMutex(t, nil)
	for range ipctest.Count(2_000) {
		other, err := OpenMutex(m.Name(), nil)
		if err != nil {
			t.Fatal(err)
		}
		h := mustLock(t, other)
		unlocked := make(chan bool, 2)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { unlocked <- h.Unlock() == nil })
		}
		for range 4 {
			all.Go(func() {
				h, err := other.Lock(context.Background())
				if err == nil {
					err = h.Unlock()
				}
				if err != nil && !errors.Is(err, os.ErrClosed) {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if first, second := <-unlocked, <-unlocked; first && second {
			t.Error("unlocked twice")
		}
		h = mustLock(t, m)
		if err := h.MarkConsistent(); err != nil {
			t.Error(err)
		}
		mustUnlock(t, h)
	}
}
