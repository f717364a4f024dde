package mq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// flip changes one bit of a file.
func flip(t testing.TB, path string, at uintptr, bit byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= bit
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

const headInFile = 64 // where a queue's head begins in its file

// What a restored queue may have delivered before says so, but isn't taken for delivered
// too often.
func TestRestoredMessagesHaveAllTheirDeliveries(t *testing.T) {
	for limit := 1; limit <= 3; limit++ {
		path := newDurable(t, 4, &Config{MaxDeliveries: limit})
		flip(t, path, headInFile+unsafe.Offsetof(head{}.gone), 1) // so that all are moved to the store
		q := reopen(t, path)
		for delivery := range limit {
			for i := range 4 {
				d, ok, err := q.TryLease(nil)
				if err != nil || !ok || len(d.Body) != 100*i {
					t.Fatalf("limit %d, delivery %d of message %d: %v, %v, %d bytes", limit, delivery, i, ok, err, len(d.Body))
				}
				if !d.Redelivered() {
					t.Error("it may have been delivered before, and doesn't say so")
				}
				defer d.Nack(t.Context(), 0)
			}
			for n := range q.storeUsed() { // all at once, in their order
				q.out.Do(t.Context(), func() error { return q.endLease(&q.store[n], n) })
			}
		}
		wantEmpty(t, q)
		if st, err := q.Stats(t.Context()); err != nil || st.Dropped != 4 {
			t.Errorf("%+v, %v", st, err)
		}
	}
}

// What a batch reports as sent is on the disk, also if the rest has found no room.
func TestPartOfABatchIsPersisted(t *testing.T) {
	q, err := Create(filepath.Join(t.TempDir(), "jobs"), &Config{Sync: true, Full: FullFail, Capacity: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	sent, err := q.SendBatch(t.Context(), make([]Outgoing, 6))
	ipctest.WantError(t, err, ErrFull)
	if sent != 4 || q.h.synced < 4 {
		t.Errorf("%d are sent, and %d on the disk", sent, q.h.synced)
	}
}

// The longest times are longer than the clock can say.
func TestLongestTimes(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	q := newQueue(t, &Config{LeaseTimeout: forever, Capacity: 1, Full: FullFail})
	mustSend(t, q, Outgoing{Body: []byte("lasting"), TTL: forever})
	ipctest.WantError(t, q.Send(t.Context(), text("more", 0)), ErrFull)
	d := mustLease(t, q)
	if err := d.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, ok, err := q.TryLease(nil); ok || err != nil {
		t.Fatalf("it was delivered twice: %q, %v", d.Body, err)
	}
	if err := d.Nack(t.Context(), forever); err != nil {
		t.Fatal(err)
	}
	if d, ok, err := q.TryLease(nil); ok || err != nil {
		t.Fatalf("its delay was over at once: %q, %v", d.Body, err)
	}
	wantLen(t, q, 1)
}

// A damaged tail loses no message, whatever bit of it is wrong.
func TestFlippedTail(t *testing.T) {
	for bit := range 64 {
		path := filepath.Join(t.TempDir(), "jobs")
		q, err := Create(path, &Config{Capacity: 5})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 22 {
			mustSend(t, q, text(fmt.Sprint(i), 0))
			if i < 20 {
				mustReceive(t, q)
			}
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		flip(t, path, headInFile+unsafe.Offsetof(head{}.tail)+uintptr(bit/8), 1<<(bit%8))
		q = reopen(t, path)
		for i := 20; i < 22; i++ {
			wantBody(t, mustReceive(t, q), fmt.Sprint(i))
		}
		wantEmpty(t, q)
		mustSend(t, q, text("next", 0))
		wantBody(t, mustReceive(t, q), "next")
	}
}

func TestAllEndsWithItsContext(t *testing.T) {
	q := newQueue(t, nil)
	for range 10 {
		mustSend(t, q, text("m", 0))
	}
	cause := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	yielded := 0
	for _, err := range q.All(ctx) {
		if yielded++; yielded == 1 {
			cancel(cause)
			continue
		}
		ipctest.WantError(t, err, cause)
	}
	if yielded != 2 {
		t.Errorf("it yielded %d times", yielded)
	}
	wantLen(t, q, 9)
}
