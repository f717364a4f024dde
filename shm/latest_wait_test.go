package shm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// follower waits for each version of the latest value Args[0], up to the one that
// Args[1] says, and prints how many it saw. With "read-only" it can't announce itself.
var follower = ipctest.Helper("follower", func(c *ipctest.Control) error {
	open, cfg := OpenLatest[picture], &Config{ReadOnly: len(c.Args) > 2}
	l, err := open(c.Args[0], cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	last, err := strconv.ParseUint(c.Args[1], 10, 64)
	if err != nil {
		return err
	}
	c.Say("waiting")
	seen := 0
	for version := uint64(0); version < last; seen++ {
		v, next, err := l.Wait(context.Background(), version)
		if err != nil {
			return err
		}
		if next <= version {
			return fmt.Errorf("version %d after %d", next, version)
		}
		if err := v.check(next); err != nil {
			return err
		}
		version = next
	}
	c.Say("done")
	return nil
})

// TestWaitInAnotherProcess stores one value after the other, the next when the
// follower is about to park for it or has: each must reach it.
func TestWaitInAnotherProcess(t *testing.T) {
	for _, extra := range [][]string{nil, {"read-only"}} { // announced, and by looking
		for _, mode := range []*Config{nil, {Mode: 0o666}} {
			name := ipctest.UniqueName()
			l := openPicture(t, name, mode)
			w := takeOver(t, l)
			count := uint64(ipctest.Count(2000))
			if extra != nil {
				count = 20
			}
			p := ipctest.Start(t, follower, append([]string{name, strconv.FormatUint(count, 10)}, extra...)...)
			p.Expect("waiting")
			start := time.Now()
			for version := uint64(1); version <= count; version++ {
				if err := w.Store(pictureOf(version)); err != nil {
					t.Fatal(err)
				}
				if version%3 == 0 {
					runtime.Gosched()
				}
			}
			p.Expect("done")
			ipctest.WantSince(t, start, 10*time.Second)
		}
	}
}

// pingPong answers each version of Args[0] with the same version of Args[1].
var pingPong = ipctest.Helper("ping-pong", func(c *ipctest.Control) error {
	in, err := OpenLatest[line](c.Args[0], nil)
	if err != nil {
		return err
	}
	out, err := OpenLatest[line](c.Args[1], nil)
	if err != nil {
		return err
	}
	w, err := out.TryWriter()
	if err != nil {
		return err
	}
	c.Say("ready")
	for version := uint64(0); ; {
		if _, version, err = in.Wait(context.Background(), version); err != nil {
			return err
		}
		if err := w.Store(lineOf(version)); err != nil {
			return err
		}
	}
})

// TestNoWakeUpIsLost hands a value to and fro: each side parks or is about to when the
// other stores. A lost wake-up would cost 100 ms. The order of memory is not at stake
// here, but in TestStoreOrAnnouncementIsSeen.
func TestNoWakeUpIsLost(t *testing.T) {
	ping, pong := ipctest.UniqueName(), ipctest.UniqueName()
	out, in := mustOpenLatest[line](t, ping), mustOpenLatest[line](t, pong)
	w, err := out.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	p := ipctest.Start(t, pingPong, ping, pong)
	p.Expect("ready")
	slow, rounds := 0, ipctest.Count(20_000)
	for version := uint64(1); version <= uint64(rounds); version++ {
		start := time.Now()
		if err := w.Store(lineOf(version)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := in.Wait(t.Context(), version-1); got != version || err != nil {
			t.Fatalf("version %d, want %d, %v", got, version, err)
		}
		if time.Since(start) > 90*time.Millisecond {
			slow++
		}
	}
	if slow > 2+rounds/10_000 { // a loaded machine may stop a process for so long
		ipctest.Late(t, "%d of %d rounds took 90 ms", slow, rounds)
	}
}

func mustOpenLatest[T any](t testing.TB, name string) *Latest[T] {
	t.Helper()
	l, err := OpenOrCreateLatest[T](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if l.Created() {
			if err := Remove(KindLatest, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
	})
	return l
}

// Waiters for different versions in one process don't keep each other from seeing
// theirs.
func TestWaitForDifferentVersions(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustOpenLatest[line](t, name)
	w, err := l.TryWriter()
	if err != nil {
		t.Fatal(err)
	}
	const waiters = 20
	got := make(chan error, waiters)
	for after := range uint64(waiters) {
		go func() {
			v, version, err := l.Wait(context.Background(), after)
			if err == nil && (version <= after || v != lineOf(version)) {
				err = fmt.Errorf("version %d after %d: %v", version, after, v)
			}
			got <- err
		}()
	}
	for version := uint64(1); version <= waiters; version++ {
		if err := w.Store(lineOf(version)); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil { // at least the one that waits for this version
			t.Error(err)
		}
	}
}

func TestWaitEnds(t *testing.T) {
	for what, readOnly := range map[string]bool{"announced": false, "polling": true} {
		t.Run(what, func(t *testing.T) {
			name := ipctest.UniqueName()
			openPicture(t, name, nil)
			l := openPicture(t, name, &Config{ReadOnly: readOnly})
			why := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error)
			wait := func(ctx context.Context) {
				_, _, err := l.Wait(ctx, 0)
				ended <- err
			}
			go wait(ctx)
			cancel(why)
			ipctest.WantError(t, <-ended, why)

			_, _, err := l.Wait(ctx, 0) // done before
			ipctest.WantError(t, err, why)

			go wait(t.Context())
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			ipctest.WantError(t, <-ended, os.ErrClosed)
			_, _, err = l.Wait(t.Context(), 0)
			ipctest.WantError(t, err, os.ErrClosed)
		})
	}
}

func TestWaitersAreToldOfRemoval(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an object that is open can't be removed on Windows")
	}
	for what, readOnly := range map[string]bool{"announced": false, "polling": true} {
		t.Run(what, func(t *testing.T) {
			name := ipctest.UniqueName()
			openPicture(t, name, nil)
			l := openPicture(t, name, &Config{ReadOnly: readOnly})
			ended := make(chan error)
			go func() {
				_, _, err := l.Wait(t.Context(), 0)
				ended <- err
			}()
			if err := Remove(KindLatest, name, nil); err != nil {
				t.Fatal(err)
			}
			ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
		})
	}
}

// A closing writer and one that stores meet waiters at the same time.
func TestWaitWhileWritersComeAndGo(t *testing.T) {
	name := ipctest.UniqueName()
	l, other := mustOpenLatest[line](t, name), mustOpenLatest[line](t, name)
	rounds := uint64(ipctest.Count(500))
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() {
			for version := uint64(0); version < rounds; {
				var err error
				if _, version, err = other.Wait(context.Background(), version); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for version := uint64(1); version <= rounds; version++ {
		w, err := l.TryWriter()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Store(lineOf(version)), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	waiting.Wait()
}
