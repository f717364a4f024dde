package mq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// A storm: senders and receivers are killed and replaced. What they have done is written
// down in shared memory, before or after, so that at the end it is known what must have
// arrived, and what may have.

const (
	stormSenders   = 8
	stormReceivers = 8
	// patience is after which time an operation is taken to hang for ever.
	patience = 30 * time.Second
	// stormBound is how long after a kill every other process has done something again.
	// It counts from when the kernel has released what the killed process had: how long
	// that takes is up to its memory. Of the second, half is what a wait may take that has
	// lasted for long; the rest is for the machine, which has 15 processes to run.
	stormBound = time.Second
)

// account is what one sender has sent, and what has become of it.
type account struct {
	Begun *atomic.Uint64 // messages whose Send has begun
	Sent  []uint8
	// Got counts the deliveries of a message: in the lower half those that were not marked
	// as redelivered.
	Got []uint32
}

// most returns of how many messages the account can tell.
func (a *account) most() uint64 { return uint64(len(a.Sent)) }

type stormHead struct {
	Wrong   atomic.Int64
	Slowest atomic.Int64 // nanoseconds that an operation took
	// Turns counts what each process has done since it was started.
	Turns [stormSenders + stormReceivers]atomic.Int64
	Begun [stormSenders]atomic.Uint64
}

// The segment has the head, and of each sender so many bytes for a message.
const (
	stormHeadSize  = 4096
	bytesOfMessage = 5
)

// stormSize returns how large the segment is if each sender sends at most so many messages.
func stormSize(most int) int64 { return stormHeadSize + stormSenders*bytesOfMessage*int64(most) }

// accounts maps what is written down.
func accounts(segment string) (seg *shm.Segment, h *stormHead, all []account, err error) {
	if seg, err = shm.Open(segment, nil); err != nil {
		return nil, nil, nil, err
	}
	if h, err = mmap.View[stormHead](seg.Mapping, 0); err != nil {
		return nil, nil, nil, err
	}
	most := (seg.Len() - stormHeadSize) / stormSenders / bytesOfMessage
	for i := range stormSenders {
		a := account{Begun: &h.Begun[i]}
		if a.Got, err = mmap.Slice[uint32](seg.Mapping, stormHeadSize+4*i*most, most); err != nil {
			return nil, nil, nil, err
		}
		if a.Sent, err = mmap.Slice[uint8](seg.Mapping, stormHeadSize+4*stormSenders*most+i*most, most); err != nil {
			return nil, nil, nil, err
		}
		all = append(all, a)
	}
	return seg, h, all, nil
}

// bodyOf returns the body of a message, whose bytes can be checked.
func bodyOf(buf []byte, sender int, number uint64) []byte {
	size := 12 + int(number*7919%1500)
	if number%3 == 0 {
		size = 12 + int(number%50)
	}
	binary.LittleEndian.PutUint32(buf, uint32(sender))
	binary.LittleEndian.PutUint64(buf[4:], number)
	for i := 12; i < size; i++ {
		buf[i] = byte(number) + byte(i)
	}
	return buf[:size]
}

// numberOf checks a body, and returns which one it is.
func numberOf(body, buf []byte) (sender int, number uint64, err error) {
	if len(body) < 12 {
		return 0, 0, fmt.Errorf("%d bytes", len(body))
	}
	sender, number = int(binary.LittleEndian.Uint32(body)), binary.LittleEndian.Uint64(body[4:])
	if sender >= stormSenders || string(bodyOf(buf, sender, number)) != string(body) {
		return 0, 0, fmt.Errorf("a body that was not sent: %d bytes from sender %d, number %d", len(body), sender, number)
	}
	return sender, number, nil
}

// stormSender sends as sender Args[2] to the queue Args[0], until it is told to end.
var stormSender = ipctest.Helper("storm sender", func(c *ipctest.Control) error {
	seg, h, all, err := accounts(c.Args[1])
	if err != nil {
		return err
	}
	defer seg.Close()
	me, _ := strconv.Atoi(c.Args[2])
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	ended := make(chan struct{})
	go func() { c.Hear(); close(ended) }()
	buf := make([]byte, 2048)
	for {
		number := all[me].Begun.Add(1) - 1
		select {
		case <-ended:
			return nil
		default:
		}
		if number >= all[me].most() {
			<-ended
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		start := time.Now()
		err := q.Send(ctx, Outgoing{Body: bodyOf(buf, me, number), Priority: int(number / 16 % 3)})
		cancel()
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		all[me].Sent[number] = 1
		h.slow(start)
		h.Turns[me].Add(1)
	}
})

// exhausted reports whether a sender has sent all that can be written down.
func exhausted(all []account) bool {
	for i := range all {
		if all[i].Begun.Load() >= all[i].most() {
			return true
		}
	}
	return false
}

func (h *stormHead) slow(start time.Time) {
	for took := int64(time.Since(start)); ; {
		old := h.Slowest.Load()
		if old >= took || h.Slowest.CompareAndSwap(old, took) {
			return
		}
	}
}

// stormReceiver receives from the queue Args[0], or leases if Args[2] says so, until it is
// told to end. It is the process Args[3].
var stormReceiver = ipctest.Helper("storm receiver", func(c *ipctest.Control) error {
	seg, h, all, err := accounts(c.Args[1])
	if err != nil {
		return err
	}
	defer seg.Close()
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	me, _ := strconv.Atoi(c.Args[3])
	ctx, cancel := context.WithCancel(context.Background())
	go func() { c.Hear(); cancel() }()
	for {
		err := receiveOne(ctx, q, c.Args[2] == "lease", h, all)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		h.Turns[me].Add(1)
	}
})

// recovery waits until every process that has done something before does so again, except
// one that was killed, and returns how long that took.
func (h *stormHead) recovery(t *testing.T, killed int) time.Duration {
	t.Helper()
	start := time.Now()
	var before [stormSenders + stormReceivers]int64
	for i := range before {
		before[i] = h.Turns[i].Load()
	}
	for i, n := range before {
		for n != 0 && i != killed && h.Turns[i].Load() == n {
			if time.Since(start) > patience {
				t.Fatalf("process %d has done nothing for %v since process %d was killed", i, patience, killed)
			}
			time.Sleep(100 * time.Microsecond) // nothing announces it
		}
	}
	return time.Since(start)
}

func receiveOne(ctx context.Context, q *LocalQueue, lease bool, h *stormHead, all []account) error {
	var buf, other [2048]byte
	var d Delivery
	var err error
	if lease {
		d, err = q.Lease(ctx, buf[:])
	} else {
		d.Message, err = q.Receive(ctx, buf[:])
	}
	if err != nil {
		return err
	}
	sender, number, err := numberOf(d.Body, other[:])
	if err != nil {
		h.Wrong.Add(1)
		return err
	}
	one := uint32(1)
	if d.Redelivered() {
		one = 1 << 16
	}
	if number >= all[sender].most() {
		h.Wrong.Add(1)
		return fmt.Errorf("message %d of sender %d", number, sender)
	}
	atomic.AddUint32(&all[sender].Got[number], one)
	if !lease {
		return nil
	}
	if rand.IntN(10) == 0 {
		return d.Nack(ctx, time.Duration(rand.IntN(3))*time.Millisecond)
	}
	start := time.Now()
	defer h.slow(start)
	return d.Ack(context.WithoutCancel(ctx))
}

func TestStorm(t *testing.T) {
	for _, how := range []string{"receive", "lease"} {
		t.Run(how, func(t *testing.T) { storm(t, how) })
	}
}

func storm(t *testing.T, how string) {
	q := newQueue(t, &Config{Capacity: 64, CapacityBytes: 32 << 10, MaxMessage: 2048})
	seg, err := shm.Create(ipctest.UniqueName(), stormSize(max(1<<17, ipctest.Count(1<<21))), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, seg.Name(), nil)
	defer seg.Close()
	other, h, all, err := accounts(seg.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()

	start := func(i int) *ipctest.Process {
		if i < stormSenders {
			return ipctest.Start(t, stormSender, q.Name(), seg.Name(), strconv.Itoa(i))
		}
		return ipctest.Start(t, stormReceiver, q.Name(), seg.Name(), how, strconv.Itoa(i))
	}
	ps := make([]*ipctest.Process, stormSenders+stormReceivers)
	for i := range ps {
		ps[i] = start(i)
	}
	kills, receiversKilled := 0, 0
	var recoveries []time.Duration
	for end := time.Now().Add(time.Duration(ipctest.Count(60_000)) * time.Millisecond); time.Now().Before(end); kills++ {
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond) // the time is the input
		i := rand.IntN(len(ps))
		select {
		case <-ps[i].Done():
			t.Fatalf("one has ended: %v; stderr: %s", ps[i].Wait(), ps[i].Stderr())
		default:
		}
		ps[i].Kill()
		if i >= stormSenders {
			receiversKilled++
		}
		if kills%4 == 0 && !exhausted(all) {
			recoveries = append(recoveries, h.recovery(t, i))
		}
		h.Turns[i].Store(0)
		ps[i] = start(i)
	}
	end := func(ps []*ipctest.Process) {
		for _, p := range ps {
			p.Say("end")
		}
		for _, p := range ps {
			if err := p.Wait(); err != nil {
				t.Errorf("%v; stderr: %s", err, p.Stderr())
			}
		}
	}
	end(ps[:stormSenders])
	if how == "lease" { // what the dead have leased is delivered to the living
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := q.Drain(ctx); err != nil {
			t.Fatal("drain: ", err)
		}
	}
	end(ps[stormSenders:])
	for {
		n, err := q.Len(t.Context())
		if n == 0 || err != nil {
			break
		}
		if err := receiveOne(t.Context(), q, false, h, all); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.sendSlowly(t.Context(), []Outgoing{{Body: make([]byte, 2048)}}, false); err != nil {
		t.Fatal(err)
	}
	mustReceive(t, q)

	var sent, missing, redelivered int
	for i := range all {
		for number := range min(all[i].Begun.Load(), all[i].most()) {
			got := all[i].Got[number]
			unmarked, marked := int(got&0xffff), int(got>>16)
			if all[i].Sent[number] != 0 {
				sent++
				if got == 0 {
					missing++
				}
			}
			redelivered += marked
			if unmarked > 1 || how == "receive" && marked > 0 {
				t.Errorf("message %d of sender %d was delivered %d times unmarked, %d times marked", number, i, unmarked, marked)
			}
		}
	}
	st, err := q.Stats(t.Context())
	t.Logf("%s: %d kills, %d of receivers; %d messages sent, %d missing, %d redelivered; slowest operation %v; %+v, %v",
		how, kills, receiversKilled, sent, missing, redelivered, time.Duration(h.Slowest.Load()), st, err)
	if len(recoveries) > 0 {
		slices.Sort(recoveries)
		worst := recoveries[len(recoveries)-1]
		t.Logf("all others went on after a kill: %d measured, median %v, p99 %v, most %v",
			len(recoveries), recoveries[len(recoveries)/2], recoveries[len(recoveries)*99/100], worst)
		ipctest.WantWithin(t, worst, stormBound)
	}
	if how == "lease" && missing > 0 || missing > receiversKilled {
		t.Errorf("%d messages are missing", missing)
	}
	if h.Wrong.Load() > 0 {
		t.Errorf("%d bodies were wrong", h.Wrong.Load())
	}
	if st.Damaged > 0 {
		t.Error("messages were damaged")
	}
}
