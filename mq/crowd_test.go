package mq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// A crowd: 8 processes send, 8 receive. Each message says which one it is, which says how
// long it is, and of which priority. How often each has arrived is counted in shared
// memory.
const (
	crowdSenders   = 8
	crowdReceivers = 8
	crowdLargest   = 4 << 10
)

// crowdMessage makes a message of a random size and priority.
func crowdMessage(buf []byte, sender, number int) (body []byte, priority int) {
	h := fnv.New64a()
	fmt.Fprint(h, sender, number)
	random := h.Sum64()
	size := 8 + int(random>>8)%(crowdLargest-8)
	if random&3 != 0 { // most are small
		size = 8 + int(random>>8)%200
	}
	body = buf[:size]
	binary.LittleEndian.PutUint32(body, uint32(sender))
	binary.LittleEndian.PutUint32(body[4:], uint32(number))
	for i := 8; i < size; i++ {
		body[i] = byte(random) + byte(i)
	}
	return body, int(random >> 4 & 3)
}

// crowdSender sends the messages of sender Args[1], of which there are Args[2], to the queue
// Args[0].
var crowdSender = ipctest.Helper("crowd sender", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	me, _ := strconv.Atoi(c.Args[1])
	count, _ := strconv.Atoi(c.Args[2])
	c.Hear()
	buf := make([]byte, crowdLargest)
	for number := range count {
		body, priority := crowdMessage(buf, me, number)
		if err := q.Send(context.Background(), Outgoing{Body: body, Priority: priority}); err != nil {
			return err
		}
	}
	return nil
})

// crowdReceiver receives from the queue Args[0], and counts in the segment Args[1], which
// has Args[2] counts for each sender, until it is told to end.
var crowdReceiver = ipctest.Helper("crowd receiver", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	seg, err := shm.Open(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	count, _ := strconv.Atoi(c.Args[2])
	got, err := mmap.Slice[uint32](seg.Mapping, 0, crowdSenders*count)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { c.Hear(); cancel() }()
	var buf, other [crowdLargest]byte
	var next [crowdSenders][4]int // after the last number of each sender and priority
	for {
		m, err := q.Receive(ctx, buf[:])
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(m.Body) < 8 {
			return fmt.Errorf("a body of %d bytes", len(m.Body))
		}
		sender, number := int(binary.LittleEndian.Uint32(m.Body)), int(binary.LittleEndian.Uint32(m.Body[4:]))
		if sender >= crowdSenders || number >= count {
			return fmt.Errorf("message %d of sender %d", number, sender)
		}
		if body, priority := crowdMessage(other[:], sender, number); string(body) != string(m.Body) || priority != m.Priority {
			return fmt.Errorf("message %d of sender %d has other bytes, or the priority %d", number, sender, m.Priority)
		}
		if number < next[sender][m.Priority] {
			return fmt.Errorf("message %d of sender %d and priority %d came after %d", number, sender, m.Priority, next[sender][m.Priority]-1)
		}
		next[sender][m.Priority] = number + 1
		atomic.AddUint32(&got[sender*count+number], 1)
	}
})

// A million messages of random sizes arrive, each once, and those of one sender and
// priority in order.
func TestCrowd(t *testing.T) {
	for what, open := range map[string]func(t testing.TB) *LocalQueue{
		"roomy": func(t testing.TB) *LocalQueue { return newQueue(t, &Config{MaxMessage: crowdLargest}) },
		"narrow": func(t testing.TB) *LocalQueue {
			return newQueue(t, &Config{Capacity: 16, CapacityBytes: 8 << 10, MaxMessage: crowdLargest})
		},
		"durable": func(t testing.TB) *LocalQueue {
			return mustOpen(t, newDurable(t, 0, &Config{MaxMessage: crowdLargest}), nil)
		},
	} {
		t.Run(what, func(t *testing.T) { crowd(t, open(t), ipctest.Count(1_000_000)/crowdSenders) })
	}
}

func crowd(t *testing.T, q *LocalQueue, count int) {
	seg, err := shm.Create(ipctest.UniqueName(), int64(4*crowdSenders*count), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, seg.Name(), nil)
	defer seg.Close()
	var senders, receivers []*ipctest.Process
	for range crowdReceivers {
		receivers = append(receivers, ipctest.Start(t, crowdReceiver, q.Name(), seg.Name(), strconv.Itoa(count)))
	}
	for i := range crowdSenders {
		senders = append(senders, ipctest.Start(t, crowdSender, q.Name(), strconv.Itoa(i), strconv.Itoa(count)))
	}
	end := func(ps []*ipctest.Process) {
		t.Helper()
		for _, p := range ps {
			if err := p.Wait(); err != nil {
				t.Errorf("%v: %s", err, p.Stderr())
			}
		}
	}
	start := time.Now()
	for _, p := range senders {
		p.Say("go")
	}
	end(senders)
	if err := q.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages in %v", crowdSenders*count, time.Since(start))
	for _, p := range receivers {
		p.Say("end")
	}
	end(receivers)
	got, err := mmap.Slice[uint32](seg.Mapping, 0, crowdSenders*count)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for i, n := range got {
		if n == 1 {
			continue
		}
		if wrong++; wrong <= 10 {
			t.Errorf("message %d of sender %d arrived %d times", i%count, i/count, n)
		}
	}
	if wrong > 10 {
		t.Errorf("%d messages in all did not arrive once", wrong)
	}
	wantEmpty(t, q)
}
