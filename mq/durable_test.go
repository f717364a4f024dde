package mq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A durable queue's messages, as the tests below send them: each of a size of its own.
func durableBody(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 100*i) }

func newDurable(t testing.TB, n int, cfg *Config) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jobs")
	q, err := Create(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		mustSend(t, q, Outgoing{Body: durableBody(i)})
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func reopen(t testing.TB, path string) *LocalQueue {
	t.Helper()
	q, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// receiveAll takes what is there, and returns the first byte of each message.
func receiveAll(t testing.TB, q *LocalQueue) (found string) {
	t.Helper()
	for {
		m, ok, err := q.TryReceive(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return found
		}
		if i := len(m.Body) / 100; !bytes.Equal(m.Body, durableBody(i)) {
			t.Fatalf("%d damaged bytes were delivered", len(m.Body))
		} else {
			found += string(rune('a' + i))
		}
	}
}

// worker receives a message from the queue Args[0], leases two, acknowledges one, and is
// killed.
var worker = ipctest.Helper("worker", func(c *ipctest.Control) error {
	ctx := context.Background()
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	if _, err := q.Receive(ctx, nil); err != nil {
		return err
	}
	d, err := q.Lease(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := q.Lease(ctx, nil); err != nil {
		return err
	}
	if err := d.Ack(ctx); err != nil {
		return err
	}
	if err := q.Send(ctx, Outgoing{Body: durableBody(7)}); err != nil {
		return err
	}
	c.Say("done")
	c.Hear()
	return nil
})

func TestDurableQueueSurvivesTheEndOfAllProcesses(t *testing.T) {
	for _, sync := range []bool{false, true} {
		path := newDurable(t, 5, &Config{Capacity: 6, Sync: sync})
		for round := range 3 {
			p := ipctest.Start(t, worker, path)
			p.Expect("done")
			p.Kill()
			p.Wait()
			if round > 0 {
				continue
			}
			q := reopen(t, path)
			if st, err := q.Stats(t.Context()); err != nil || st.Messages != 4 || st.Damaged != 0 || st.Leased != 0 {
				t.Errorf("%+v, %v", st, err)
			}
			q.Close()
		}
		q := reopen(t, path)
		// Each took one and acknowledged one of a b c d e h h h.
		if found := receiveAll(t, q); len(found) != 2 || !strings.HasSuffix(found, "h") {
			t.Errorf("sync %v: found %q", sync, found)
		}
		if st, err := q.Stats(t.Context()); err != nil || st.Damaged != 0 {
			t.Errorf("%+v, %v", st, err)
		}
	}
}

func TestTruncatedDurableQueue(t *testing.T) {
	path := newDurable(t, 8, nil)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	q := reopen(t, path)
	blocks := info.Size() - int64(q.made.Blocks)*blockSize
	q.Close()
	for _, cut := range []int64{info.Size() - 1, blocks + 3*blockSize, blocks} { // from the blocks that few have
		if err := os.Truncate(path, cut); err != nil {
			t.Fatal(err)
		}
		q, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		st, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		q.Close()
		t.Logf("cut to %d: %+v", cut, st)
		if st.Messages+int(st.Damaged) != 8 {
			t.Errorf("%d messages, %d damaged, of 8", st.Messages, st.Damaged)
		}
	}
	q = reopen(t, path)
	if found := receiveAll(t, q); found != "a" { // which has no blocks
		t.Errorf("found %q", found)
	}
	if err := q.Close(); err != nil { // Windows truncates no file that is mapped
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	q, err = Open(path, nil)
	if err == nil {
		q.Close()
	}
	if found, err := os.ReadFile(path); err != nil || len(found) == 100 {
		t.Errorf("%d bytes, %v", len(found), err)
	}
}

// Whichever byte of the messages is flipped: it is reported, and the others are delivered.
func TestFlippedBitsInDurableQueue(t *testing.T) {
	for _, sync := range []bool{false, true} {
		path := newDurable(t, 6, &Config{Capacity: 6, CapacityBytes: 4096, MaxMessage: 1000, Sync: sync, Slots: 4})
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		q := reopen(t, path)
		body := int(q.o.Layout().Size() - q.o.Layout().Body)
		slots := int(q.made.Ring) * 128
		blocks := len(whole) - int(q.made.Blocks)*blockSize
		q.Close()
		for bit := 0; bit < 8*len(whole); bit += 1 + 8*len(whole)/ipctest.Count(2_000) {
			at := bit / 8
			switch {
			case at < body, at >= body+slots && at < blocks:
				continue // headers and lists
			}
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			q, err := Open(path, nil)
			if err != nil {
				t.Fatalf("bit %d: %v", bit, err)
			}
			found := receiveAll(t, q)
			st, err := q.Stats(t.Context())
			if err != nil || len(found)+int(st.Damaged) < 6 && !(st.Damaged == 0 && len(found) == 5) || len(found) < 5 {
				t.Errorf("bit %d at %d: found %q, %+v, %v", bit, at, found, st, err)
			}
			q.Close()
		}
	}
}

// Whichever bit of the header, the head, the slots of processes and the lists is flipped:
// the queue opens with what it has, or says what is wrong.
func TestFlippedBitsInHeadOfDurableQueue(t *testing.T) {
	path := newDurable(t, 6, &Config{Capacity: 6, CapacityBytes: 4096, MaxMessage: 1000, Slots: 4})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for bit := 0; bit < 8*(64+1024+64); bit += 9216 / ipctest.Count(9216) {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		q, err := Open(path, nil)
		if err != nil {
			refused++
			if !errors.Is(err, breezeway.ErrMismatch) && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, breezeway.ErrRemoved) {
				t.Errorf("bit %d: %v", bit, err)
			}
			continue
		}
		if found := receiveAll(t, q); len(found) != 6 {
			t.Errorf("bit %d: byte %d of the head: found %q", bit, bit/8-64, found)
		}
		q.Close()
	}
	t.Logf("%d refused", refused)
}

func TestSyncIsForDurableQueues(t *testing.T) {
	_, err := Create(ipctest.UniqueName(), &Config{Sync: true})
	ipctest.WantError(t, err, os.ErrInvalid)
}

func TestManySendersShareTheDisk(t *testing.T) {
	path := newDurable(t, 0, &Config{Sync: true, Capacity: 5000})
	q := reopen(t, path)
	done := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for n := range 20 {
				if err == nil {
					err = q.Send(t.Context(), text(fmt.Sprint(i, n), 0))
				}
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n, err := q.Len(t.Context()); n != 160 || err != nil {
		t.Error(n, err)
	}
	if q.h.synced != 160 {
		t.Errorf("%d of 160 are on the disk", q.h.synced)
	}
}
