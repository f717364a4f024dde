//go:build killpoints

package mq

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// The power fails: each page of the file is on the disk as it was when the last write to
// the disk was over, or as it was at the end, or at some time in between. Every message
// whose Send has returned, and that has not left the queue, is delivered then. One that
// has left it since that write may be delivered again; no other one is.
func TestPowerFailure(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets no test read a file that the library has open")
	}
	first := rand.Uint64()
	for round := range uint64(ipctest.Count(2_000)) {
		powerFailure(t, first+round)
	}
}

// powerFailure is one round, which is the same for the same seed.
func powerFailure(t *testing.T, seed uint64) {
	rand := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "jobs")
	cfg := &Config{Capacity: 8, CapacityBytes: 8 << 10, MaxMessage: 3000, Sync: true, Full: FullFail, Slots: 4}
	q, err := Create(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	read := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// What was on the disk, and what happened since.
	var images [][]byte
	safe, leftSince := map[string]bool{}, map[string]bool{}
	sent := map[string]bool{} // by Sends that have not returned
	onDisk := func() {
		images = [][]byte{read()}
		leftSince = map[string]bool{}
		for s := range sent {
			safe[s] = true
		}
	}
	var hook func()
	hook = func() {
		onDisk()
		killpoint.Stall("mq synced", hook)
	}
	killpoint.Stall("mq synced", hook)
	defer killpoint.Stall("", func() {})
	onDisk()

	leases := map[string]Delivery{}
	left := func(s string) {
		delete(safe, s)
		delete(sent, s)
		leftSince[s] = true
	}
	name := func(body []byte) string { return string(bytes.TrimRight(body, ".")) }
	for i := range 10 + rand.IntN(60) {
		s := fmt.Sprint("m", i)
		body := append([]byte(s), bytes.Repeat([]byte("."), rand.IntN(3)*rand.IntN(1000))...)
		m := Outgoing{Body: body, Priority: rand.IntN(2)}
		switch rand.IntN(7) {
		case 0, 1: // its Send returns
			sent[s] = true
			if q.Send(t.Context(), m) != nil { // perhaps after a write to the disk, which made it safe here
				delete(sent, s)
				delete(safe, s)
			}
		case 2: // its Send doesn't return
			ok := false
			if err := q.in.Do(t.Context(), func() (err error) { ok, err = q.put(&m); return err }); err != nil {
				t.Fatal(err)
			}
			sent[s] = ok
			if !ok {
				delete(sent, s)
			}
		case 3: // its sender dies before it has counted it
			if sent[s] = dieSending(t, q, m); !sent[s] {
				delete(sent, s)
			}
		case 4:
			if m, ok, err := q.TryReceive(nil); err != nil {
				t.Fatal(err)
			} else if ok {
				left(name(m.Body))
			}
		case 5:
			if d, ok, err := q.TryLease(nil); err != nil {
				t.Fatal(err)
			} else if ok {
				leases[name(d.Body)] = d
			}
		case 6:
			for _, s := range slices.Sorted(maps.Keys(leases)) {
				d := leases[s]
				delete(leases, s)
				if rand.IntN(3) == 0 {
					err = d.Nack(t.Context(), 0)
				} else if err = d.Ack(t.Context()); err == nil {
					left(s)
				}
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if rand.IntN(4) == 0 {
			images = append(images, read())
		}
	}
	images = append(images, read())
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	const sector = 512
	crashed := bytes.Clone(images[0])
	for at := 0; at < len(crashed); at += sector {
		end := min(at+sector, len(crashed))
		copy(crashed[at:end], images[rand.IntN(len(images))][at:end])
	}
	if err := os.WriteFile(path, crashed, 0o600); err != nil {
		t.Fatal(err)
	}
	q, err = Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	found := map[string]bool{}
	for {
		m, ok, err := q.TryReceive(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		s := name(m.Body)
		if found[s] {
			t.Errorf("seed %d: %s was delivered twice", seed, s)
		}
		found[s] = true
		if !safe[s] && !sent[s] && !leftSince[s] {
			t.Errorf("seed %d: %s was delivered, which had left the queue before the last write to the disk", seed, s)
		}
	}
	for s := range safe {
		if !found[s] {
			t.Fatalf("seed %d: %s is lost; found %v, images %d, head %d tail %d", seed, s, found, len(images), q.h.head, q.h.tail)
		}
	}
	wantEmpty(t, q)
}
