//go:build killpoints

package shm

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// points are the kill points on the way from nothing to a stored value.
var points = []string{"object filled", "object linked", "latest filled", "latest published"}

// mortal makes the latest value Args[0] and stores in it, and is to be killed on
// the way.
var mortal = ipctest.Helper("mortal", func(c *ipctest.Control) error {
	l, err := OpenOrCreateLatest[picture](c.Args[0], nil)
	if err != nil {
		return err
	}
	w, err := l.TryWriter()
	if err != nil {
		return err
	}
	return w.Store(pictureOf(math.MaxUint64))
})

// TestWaiterOutlivesWriter kills a writer between publishing and waking: waiters see
// the value within their bound.
func TestWaiterOutlivesWriter(t *testing.T) {
	name := ipctest.UniqueName()
	l := openPicture(t, name, nil)
	ended := make(chan error)
	go func() {
		v, version, err := l.Wait(t.Context(), 0)
		if err == nil && version != 1 {
			err = fmt.Errorf("version %d", version)
		}
		ended <- errors.Join(err, v.check(math.MaxUint64))
	}()
	for atomic.LoadUint32(&l.head.gate)&gateParked == 0 {
		runtime.Gosched()
	}
	cmd := ipctest.HelperCommand(t, mortal, name)
	cmd.Env = append(cmd.Env, killpoint.Env+"=latest published")
	if p := ipctest.StartCommand(t, cmd); p.Wait() == nil {
		t.Fatal("it did not die")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Wherever a process is killed, the next one goes on, sees nothing that is not
// complete, and leaves nothing.
func TestKillMatrix(t *testing.T) {
	for _, existed := range []bool{false, true} {
		for _, point := range points {
			if existed && strings.HasPrefix(point, "object") {
				continue // nothing is made
			}
			t.Run(point, func(t *testing.T) {
				name := ipctest.UniqueName()
				want := uint64(0)
				if existed {
					l := openPicture(t, name, nil)
					w := takeOver(t, l)
					for want = range uint64(6) {
						if err := w.Store(pictureOf(want + 1)); err != nil {
							t.Fatal(err)
						}
					}
					want++
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
				}
				cmd := ipctest.HelperCommand(t, mortal, name)
				cmd.Env = append(cmd.Env, killpoint.Env+"="+point)
				p := ipctest.StartCommand(t, cmd)
				if p.Wait() == nil {
					t.Fatalf("it did not die; stderr: %s", p.Stderr())
				}
				if text := p.Stderr(); text != "" {
					t.Fatalf("it failed before it died: %s", text)
				}

				l := openPicture(t, name, nil)
				v, version, err := l.Load()
				words := want
				if point == "latest published" {
					want, words = want+1, math.MaxUint64 // what mortal stored
				}
				if version != want || err != nil {
					t.Errorf("version %d, want %d, %v", version, want, err)
				}
				if err := v.check(words); err != nil {
					t.Error(err)
				}
				w := takeOver(t, l)
				if w.Recovered() != strings.HasPrefix(point, "latest") {
					t.Errorf("recovered: %v", w.Recovered())
				}
				if err := w.Store(pictureOf(want + 1)); err != nil {
					t.Error(err)
				}
				v, version, err = l.Load()
				if version != want+1 || err != nil || v.check(version) != nil {
					t.Error(version, err, v.check(version))
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				Remove(KindLatest, name, nil)
				path, err := object.Path(string(KindLatest), name, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := os.Lstat(path); !os.IsNotExist(err) {
					t.Errorf("left behind: %v", err)
				}
			})
		}
	}
}
