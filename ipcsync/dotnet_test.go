//go:build linux || windows

package ipcsync

import (
	"context"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// .NET's named semaphores, mutexes and events are the kernel's on Windows, and so are
// ours. On Linux neither side finds the other's.
func TestDotNet(t *testing.T) {
	const (
		ownProcess = "mono's named objects are seen by their own process alone"
		none       = ".NET has no named semaphores and events on Linux"
		ownMutex   = ".NET's named mutexes on Linux are in a format of its own"
		shared     = "there they are the same objects"
	)
	notLinux := map[ipctest.Runtime]string{ipctest.Mono: ownProcess, ipctest.NETOnLinux: none}
	notLinuxMutex := map[ipctest.Runtime]string{ipctest.Mono: ownProcess, ipctest.NETOnLinux: ownMutex}
	ipctest.TestCSharp(t, "testdata/peer.cs",
		ipctest.PeerTest{Name: "semaphore/ours", Run: testDotNetOpensSemaphore, Not: notLinux},
		ipctest.PeerTest{Name: "semaphore/theirs", Run: testDotNetCreatesSemaphore, Not: notLinux},
		ipctest.PeerTest{Name: "mutex/ours", Run: testDotNetOpensMutex, Not: notLinuxMutex},
		ipctest.PeerTest{Name: "mutex/theirs", Run: testDotNetCreatesMutex, Not: notLinuxMutex},
		ipctest.PeerTest{Name: "AbandonedMutexException", Run: testDotNetIsToldOfOurDeath, Not: notLinuxMutex},
		ipctest.PeerTest{Name: "mutex/their death", Run: testDotNetDies, Not: notLinuxMutex},
		ipctest.PeerTest{Name: "event/ours", Run: testDotNetOpensEvent, Not: notLinux},
		ipctest.PeerTest{Name: "event/theirs", Run: testDotNetCreatesEvent, Not: notLinux},
		ipctest.PeerTest{Name: "apart", Run: testDotNetFindsNone, Not: map[ipctest.Runtime]string{ipctest.NETOnWindows: shared}},
	)
}

// TestInteropCSharp runs the C# program that docs/interop.md shows.
func TestInteropCSharp(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/semaphore.cs",
		ipctest.PeerTest{Name: "semaphore", Run: testShownSemaphore, Not: map[ipctest.Runtime]string{
			ipctest.Mono: "mono's is seen by its own process alone", ipctest.NETOnLinux: ".NET has none on Linux"}},
		ipctest.PeerTest{Name: "no semaphore", Run: testShownSemaphoreApart, Not: map[ipctest.Runtime]string{
			ipctest.NETOnWindows: "there it is the same semaphore"}},
	)
}

func testShownSemaphore(t *testing.T, program ipctest.Program) {
	s := newTestSemaphore(t, 2, nil)
	p := ipctest.StartCommand(t, program(s.Name()))
	p.Expect("working")
	wantPermits(t, s, 1)
	p.Say("end")
	endPeer(t, p)
	wantPermits(t, s, 2)
}

func testShownSemaphoreApart(t *testing.T, program ipctest.Program) {
	name := ipctest.UniqueName()
	p := ipctest.StartCommand(t, program(name))
	if line := p.Hear(); line != "working" && line != "PlatformNotSupportedException" {
		t.Error(line)
	}
	_, err := OpenSemaphore(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist)
	p.Say("end")
	endPeer(t, p)
}

func testDotNetOpensSemaphore(t *testing.T, program ipctest.Program) {
	s := newTestSemaphore(t, 0, nil)
	p := ipctest.StartCommand(t, program())
	tell(t, p, "open semaphore "+s.Name(), "done")
	shareSemaphore(t, s, p)
}

func testDotNetCreatesSemaphore(t *testing.T, program ipctest.Program) {
	p, name := ipctest.StartCommand(t, program()), ipctest.UniqueName()
	tell(t, p, "create semaphore "+name, "done")
	s, err := OpenSemaphore(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	shareSemaphore(t, s, p)
}

// shareSemaphore passes permits both ways. There are none yet.
func shareSemaphore(t *testing.T, s *Semaphore, p *ipctest.Process) {
	t.Helper()
	tell(t, p, "try", "busy")
	p.Say("wait")
	if _, err := s.Release(1); err != nil {
		t.Fatal(err)
	}
	p.Expect("done")
	acquired := make(chan error, 1)
	go func() { acquired <- s.Acquire(t.Context()) }()
	tell(t, p, "release 2", "0")
	if err := <-acquired; err != nil {
		t.Fatal(err)
	}
	tell(t, p, "try", "done")
	tell(t, p, "try", "busy")
	wantPermits(t, s, 0)
}

func testDotNetOpensMutex(t *testing.T, program ipctest.Program) {
	m := newTestMutex(t, nil)
	p := ipctest.StartCommand(t, program())
	tell(t, p, "open mutex "+m.Name(), "done")
	shareMutex(t, m, p)
}

func testDotNetCreatesMutex(t *testing.T, program ipctest.Program) {
	m, p := dotnetMutex(t, program)
	shareMutex(t, m, p)
}

// dotnetMutex opens a mutex that a C# program has created.
func dotnetMutex(t *testing.T, program ipctest.Program) (*Mutex, *ipctest.Process) {
	t.Helper()
	p, name := ipctest.StartCommand(t, program()), ipctest.UniqueName()
	tell(t, p, "create mutex "+name, "done")
	m, err := OpenMutex(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, p
}

// shareMutex locks the mutex in turn. Nothing has it yet.
func shareMutex(t *testing.T, m *Mutex, p *ipctest.Process) {
	t.Helper()
	tell(t, p, "wait", "done")
	wantBusy(t, m)
	locked := make(chan Held, 1)
	go func() { locked <- mustLock(t, m) }()
	tell(t, p, "unlock", "done")
	h := <-locked
	if h.Recovered() {
		t.Error("recovered, though .NET unlocked")
	}
	tell(t, p, "try", "busy")
	p.Say("wait")
	mustUnlock(t, h)
	p.Expect("done")
	tell(t, p, "unlock", "done")
}

func testDotNetIsToldOfOurDeath(t *testing.T, program ipctest.Program) {
	m, p := dotnetMutex(t, program)
	ours := ipctest.Start(t, lockHolder, m.Name())
	ours.Expect("locked false")
	p.Say("wait")
	ours.Kill()
	p.Expect("AbandonedMutexException")
	wantBusy(t, m) // .NET has it nevertheless
	tell(t, p, "unlock", "done")
	tell(t, p, "wait", "done") // it is told once
	tell(t, p, "unlock", "done")

	mustLock(t, m)
	p.Say("wait")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	p.Expect("AbandonedMutexException")
}

func testDotNetDies(t *testing.T, program ipctest.Program) {
	m := newTestMutex(t, nil)
	p := ipctest.StartCommand(t, program())
	tell(t, p, "open mutex "+m.Name(), "done")
	tell(t, p, "wait", "done")
	p.Kill()
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told that .NET died")
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
}

func testDotNetOpensEvent(t *testing.T, program ipctest.Program) {
	for kind, cfg := range dotnetEvents {
		e := newTestEvent(t, cfg)
		p := ipctest.StartCommand(t, program())
		tell(t, p, "open "+kind+" "+e.Name(), "done")
		shareEvent(t, e, p, kind == "manual")
	}
}

func testDotNetCreatesEvent(t *testing.T, program ipctest.Program) {
	for kind := range dotnetEvents {
		p, name := ipctest.StartCommand(t, program()), ipctest.UniqueName()
		tell(t, p, "create "+kind+" "+name, "done")
		e, err := OpenEvent(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		shareEvent(t, e, p, kind == "manual")
	}
}

var dotnetEvents = map[string]*Config{"auto": nil, "manual": {ManualReset: true}}

// shareEvent sets the event from both sides. It is not set yet.
func shareEvent(t *testing.T, e *Event, p *ipctest.Process, manual bool) {
	t.Helper()
	after := map[bool]string{true: "done", false: "busy"}[manual]
	tell(t, p, "try", "busy")
	p.Say("wait")
	if err := e.Set(); err != nil {
		t.Fatal(err)
	}
	p.Expect("done")
	tell(t, p, "try", after)
	tell(t, p, "reset", "done")

	ended := make(chan error, 1)
	go func() { ended <- e.Wait(t.Context()) }()
	tell(t, p, "set", "done")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if set, err := e.TryWait(); set != manual || err != nil {
		t.Errorf("after Wait: %v, %v, want %v", set, err, manual)
	}
	if err := e.Reset(); err != nil {
		t.Fatal(err)
	}
	tell(t, p, "try", "busy")
}

// testDotNetFindsNone: on Linux .NET finds nothing of ours by name, and says so.
func testDotNetFindsNone(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	for kind, name := range map[string]string{
		"semaphore": newTestSemaphore(t, 1, nil).Name(),
		"mutex":     newTestMutex(t, nil).Name(),
		"auto":      newTestEvent(t, nil).Name(),
	} {
		p.Say("open " + kind + " " + name)
		if got := p.Hear(); got != "WaitHandleCannotBeOpenedException" && got != "PlatformNotSupportedException" {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestFileLockDotNet(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/filelock.cs",
		ipctest.PeerTest{Name: "ranges", Run: testDotNetLocksRanges},
		ipctest.PeerTest{Name: "FileShare", Run: testDotNetSharesNothing, Not: map[ipctest.Runtime]string{
			ipctest.Mono:         "mono's FileShare holds within its own process",
			ipctest.NETOnWindows: "there FileShare decides about opening, and locks nothing",
		}},
	)
}

// testDotNetSharesNothing: on Linux FileShare.None is flock(2)'s exclusive lock.
func testDotNetSharesNothing(t *testing.T, program ipctest.Program) {
	l := newLock(t, &Config{Flock: true})
	p := ipctest.StartCommand(t, program(l.Name(), "alone"))
	p.Expect("open")
	if isFree(t, l.TryLock) {
		t.Error("free, though .NET shares nothing")
	}
	endPeer(t, p)
	if !isFree(t, l.TryLock) {
		t.Error("not free after .NET ended")
	}
}

func testDotNetLocksRanges(t *testing.T, program ipctest.Program) {
	l := newLock(t, nil)
	p := ipctest.StartCommand(t, program(l.Name()))
	p.Expect("open")
	tell(t, p, "trylock 100 50", "done")
	if !isFree(t, l.Range(0, 100).TryLock) || isFree(t, l.Range(149, 1).TryLock) || !isFree(t, l.Range(150, 0).TryLock) {
		t.Error(".NET locks another range")
	}
	h := got(t)(l.Range(0, 10).Lock(context.Background()))
	tell(t, p, "trylock 9 1", "busy")
	tell(t, p, "trylock 10 1", "done")
	unlock(t, h)
	tell(t, p, "unlock 100 50", "done")
	if !isFree(t, l.Range(100, 50).TryLock) {
		t.Error("not unlocked")
	}
}

func endPeer(t *testing.T, p *ipctest.Process) {
	t.Helper()
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Errorf("%v: %s", err, p.Stderr())
	}
}
