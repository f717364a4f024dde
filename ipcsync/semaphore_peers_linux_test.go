package ipcsync

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// tokens sends n permits to the peer and n back, each time through s, and with
// goroutines of ours in its way. The peer knows "give N" and "take N".
func tokens(t *testing.T, s *Semaphore, p *ipctest.Process, n int) {
	t.Helper()
	ctx := context.Background()
	p.Say(fmt.Sprint("give ", n))
	const takers = 4
	results := make(chan error)
	for range takers {
		go func() {
			for range n / takers {
				if err := s.Acquire(ctx); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	for range takers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if line := p.Hear(); !strings.HasPrefix(line, "give") {
		t.Errorf("%q", line)
	}
	wantPermits(t, s, 0)

	p.Say(fmt.Sprint("take ", n))
	for range n {
		if _, err := s.Release(1); err != nil {
			t.Fatal(err)
		}
	}
	if line := p.Hear(); !strings.HasPrefix(line, "take") {
		t.Errorf("%q", line)
	}
	if stats, err := s.Stats(); stats.Value != 0 || stats.Waiters != 0 || err != nil {
		t.Error(stats, err)
	}
}

func TestSemaphoreOfC(t *testing.T) {
	peer := ipctest.C(t, "testdata/semaphore_peer.c")
	t.Run("ours", func(t *testing.T) {
		s := newTestSemaphore(t, 1, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "open "+s.Name(), "opened")
		tell(t, p, "value", "1")
		tell(t, p, "try", "taken")
		tell(t, p, "try", "Resource temporarily unavailable")
		tokens(t, s, p, ipctest.Count(20_000))
		tell(t, p, "unlink "+s.Name(), "0")
		_, err := OpenSemaphore(s.Name(), nil)
		ipctest.WantError(t, err, os.ErrNotExist)
		endPeer(t, p)
	})
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "create "+name+" 3", "created")
		defer removeIfThere(t, KindSemaphore, name)
		_, err := CreateSemaphore(name, 1, nil)
		ipctest.WantError(t, err, os.ErrExist)
		s := sameSemaphore(t, name, nil)
		wantPermits(t, s, 3)
		for range 3 {
			if err := s.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		tokens(t, s, p, ipctest.Count(20_000))
		if err := Remove(KindSemaphore, name, nil); err != nil {
			t.Error(err)
		}
		tell(t, p, "open "+name, "No such file or directory")
		endPeer(t, p)
	})
	t.Run("waits", func(t *testing.T) { // each for the other
		s := newTestSemaphore(t, 0, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "open "+s.Name(), "opened")
		for range ipctest.Count(100) {
			p.Say("take 1")
			awaitWaiters(t, s, 1)
			if _, err := s.Release(1); err != nil {
				t.Fatal(err)
			}
			p.Expect("taken")

			result := make(chan error)
			go func() { result <- s.Acquire(context.Background()) }()
			awaitWaiters(t, s, 1)
			tell(t, p, "give 1", "given")
			if err := <-result; err != nil {
				t.Fatal(err)
			}
		}
		endPeer(t, p)
	})
	t.Run("maximum", func(t *testing.T) { // of which C doesn't know
		s := newTestSemaphore(t, 0, &Config{Max: 2})
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "open "+s.Name(), "opened")
		tell(t, p, "give 3", "given")
		wantPermits(t, s, 3)
		if again := sameSemaphore(t, s.Name(), nil); again.Max() != 2 {
			t.Error(again.Max())
		}
		for range 3 {
			if err := s.Acquire(t.Context()); err != nil {
				t.Error(err)
			}
		}
		endPeer(t, p)
	})
}

func TestSemaphoreOfPython(t *testing.T) {
	peer := ipctest.Python(t, "testdata/semaphore_peer.py")
	t.Run("theirs", func(t *testing.T) {
		p := ipctest.StartCommand(t, peer())
		s := sameSemaphore(t, p.Hear(), nil)
		wantPermits(t, s, 2)
		tell(t, p, "take 1", "take 1")
		wantPermits(t, s, 1)
		if err := s.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokens(t, s, p, ipctest.Count(20_000))
		endPeer(t, p)
		// Python removes it on exit.
		_, err := OpenSemaphore(s.Name(), nil)
		ipctest.WantError(t, err, os.ErrNotExist)
	})
	t.Run("ours", func(t *testing.T) {
		s := newTestSemaphore(t, 0, nil)
		p := ipctest.StartCommand(t, peer(s.Name()))
		p.Expect("opened")
		tokens(t, s, p, ipctest.Count(20_000))
		endPeer(t, p)
		sameSemaphore(t, s.Name(), nil) // is still there
	})
}

func TestSemaphoreOfBoost(t *testing.T) {
	peer := ipctest.CPlusPlus(t, "testdata/semaphore_peer.cpp", "boost/version.hpp")
	t.Run("ours", func(t *testing.T) {
		s := newTestSemaphore(t, 1, nil)
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "open "+s.Name(), "opened")
		tell(t, p, "try", "taken")
		tell(t, p, "try", "empty")
		tokens(t, s, p, ipctest.Count(20_000))
		tell(t, p, "remove "+s.Name(), "1")
		endPeer(t, p)
	})
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		p := ipctest.StartCommand(t, peer())
		tell(t, p, "create "+name+" 2", "created")
		defer removeIfThere(t, KindSemaphore, name)
		s := sameSemaphore(t, name, nil)
		for range 2 {
			if err := s.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		tokens(t, s, p, ipctest.Count(20_000))
		endPeer(t, p)
	})
}

// TestInteropSemaphores runs the programs that the document shows, and checks
// that it shows these.
func TestInteropSemaphores(t *testing.T) {
	shown := func(t *testing.T, source string) string {
		t.Helper()
		page, err := os.ReadFile("../docs/interop.md")
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, append([]byte("\n"), text...)) {
			t.Errorf("docs/interop.md does not show %s as it is", source)
		}
		return source
	}
	works := func(t *testing.T, program ipctest.Program) {
		s := newTestSemaphore(t, 0, nil)
		p := ipctest.StartCommand(t, program(s.Name()))
		awaitWaiters(t, s, 1)
		if _, err := s.Release(2); err != nil {
			t.Fatal(err)
		}
		p.Expect("working")
		endPeer(t, p)
		wantPermits(t, s, 2)
	}
	t.Run("C", func(t *testing.T) { works(t, ipctest.C(t, shown(t, "testdata/semaphore.c"))) })
	t.Run("Boost", func(t *testing.T) {
		works(t, ipctest.CPlusPlus(t, shown(t, "testdata/semaphore.cpp"), "boost/version.hpp"))
	})
	t.Run("Python", func(t *testing.T) {
		const least = 6 // Python 3.6
		for python, program := range ipctest.Pythons(t, least, shown(t, "testdata/semaphore.py")) {
			t.Run(filepath.Base(filepath.Dir(filepath.Dir(python))), func(t *testing.T) { works(t, program) })
		}
	})
}
