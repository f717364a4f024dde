package mq

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// What is in a queue that was removed can be received, and acknowledged, also while another
// process is in the middle of a change.
func TestReceiveFromARemovedQueueUnderContention(t *testing.T) {
	if removesNothing {
		t.Skip("a queue that is open can't be removed on Windows")
	}
	q := newQueue(t, nil)
	mustSend(t, q, text("1", 0))
	mustSend(t, q, text("2", 0))
	leased := mustLease(t, q)
	p := ipctest.Start(t, stayer, q.Name(), "out")
	p.Expect("there")
	if err := Remove(q.Name(), nil); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() {
		_, err := q.Receive(t.Context(), nil)
		ended <- err
	}()
	go func() { ended <- leased.Ack(t.Context()) }()
	awaitWaiters(t, q, 2)
	select {
	case err := <-ended: // a wait looks for the name after 100 ms at the latest
		t.Fatalf("ended before the other process had left: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	p.Say("go on")
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	wantLen(t, q, 0)
	_, err := q.Receive(t.Context(), nil)
	ipctest.WantError(t, err, breezeway.ErrRemoved)
	ipctest.WantError(t, q.Send(t.Context(), text("3", 0)), breezeway.ErrRemoved)
	if err := q.Send(t.Context(), text("3", 0)); err == nil || !strings.Contains(err.Error(), "mq send") {
		t.Error(err)
	}
}

func TestStatChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	if err := mustCreateAndClose(path); err != nil {
		t.Fatal(err)
	}
	const rest = 100_000
	if err := os.Truncate(path, rest); err != nil {
		t.Fatal(err)
	}
	_, err := Stat(path, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	if info, err := os.Stat(path); err != nil || info.Size() != rest {
		t.Errorf("%v, %v", info.Size(), err)
	}
}

func mustCreateAndClose(path string) error {
	q, err := Create(path, nil)
	if err != nil {
		return err
	}
	return q.Close()
}

// What is no queue's file is named as what it is.
func TestPathOfAnotherThing(t *testing.T) {
	dir := t.TempDir()
	_, err := Create(dir, nil)
	ipctest.WantError(t, err, os.ErrExist)
	if err != nil && !strings.Contains(err.Error(), "no queue") {
		t.Error(err)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = Remove(short, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	if err != nil && !strings.Contains(err.Error(), "it has 5 bytes") {
		t.Error(err)
	}
}

func TestLeaseTimeoutIsNamedWithItsUnit(t *testing.T) {
	_, err := Create(newName(t), &Config{LeaseTimeout: -time.Second})
	ipctest.WantError(t, err, os.ErrInvalid)
	if err != nil && !strings.Contains(err.Error(), "-1s") {
		t.Error(err)
	}
}

func TestTypedOfWhatNoCodecCarries(t *testing.T) {
	q := newQueue(t, nil)
	var none *LocalQueue
	for what, make := range map[string]func() error{
		"chan":  func() error { _, err := NewTyped(q, JSON[chan int]()); return err },
		"field": func() error { _, err := NewTyped(q, JSON[struct{ C chan int }]()); return err },
		"func":  func() error { _, err := NewTyped(q, Gob[func()]()); return err },
		"nil":   func() error { _, err := NewTyped[int](none, nil); return err },
	} {
		err := make()
		ipctest.WantError(t, err, os.ErrInvalid)
		if err != nil && what != "nil" && !strings.Contains(err.Error(), q.Name()) {
			t.Error(err)
		}
	}
}
