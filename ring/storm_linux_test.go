package ring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// stormRecord is what the processes of a storm write down in shared memory, where it
// outlives them.
type stormRecord struct {
	lives    atomic.Uint64 // of senders
	received atomic.Uint64
	// seen has for each life of a sender the number of the last message that was received.
	seen [4096]atomic.Uint64
}

// stormMessage names the life of a sender that has sent it. The rest of a message is made from it.
type stormMessage struct{ life, number, sum uint64 }

func (m stormMessage) check() uint64 { return m.life*0x9e3779b97f4a7c15 ^ m.number*0xbf58476d1ce4e5b9 }

// length is how long a message of bytes is.
func (m stormMessage) length() int { return 24 + int(m.check()>>20%600) }

func (m stormMessage) write(b []byte) {
	for i := 24; i < len(b); i++ {
		b[i] = byte(m.number + uint64(i))
	}
	binary.LittleEndian.PutUint64(b, m.life)
	binary.LittleEndian.PutUint64(b[8:], m.number)
	binary.LittleEndian.PutUint64(b[16:], m.check())
}

func readStorm(b []byte) (m stormMessage, err error) {
	if len(b) < 24 {
		return m, fmt.Errorf("a message has %d bytes", len(b))
	}
	m = stormMessage{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
	if m.sum != m.check() || len(b) != m.length() {
		return m, fmt.Errorf("message %d of life %d, of %d bytes, is torn", m.number, m.life, len(b))
	}
	for i := 24; i < len(b); i++ {
		if b[i] != byte(m.number+uint64(i)) {
			return m, fmt.Errorf("message %d of life %d is torn at %d", m.number, m.life, i)
		}
	}
	return m, nil
}

func openStorm(c *ipctest.Control) (*Bytes, *stormRecord, error) {
	b, err := OpenBytes(c.Args[0], nil)
	if err != nil {
		return nil, nil, err
	}
	s, err := shm.Open(c.Args[1], nil)
	if err != nil {
		return nil, nil, err
	}
	r, err := mmap.View[stormRecord](s.Mapping, 0)
	return b, r, err
}

// pauseNow and then keeps the other side waiting.
func pauseNow(random *rand.Rand) {
	if random.IntN(1000) == 0 {
		time.Sleep(time.Duration(random.IntN(500)) * time.Microsecond)
	}
}

var stormSender = ipctest.Helper("storm sender", func(c *ipctest.Control) error {
	b, record, err := openStorm(c)
	if err != nil {
		return err
	}
	c.AtEnd(func() { b.Close() })
	out, err := again(b.Sender)
	if err != nil {
		return err
	}
	m := stormMessage{life: record.lives.Add(1)}
	random := rand.New(rand.NewPCG(m.life, 1))
	for {
		m.number++
		l, err := out.Loan(context.Background(), m.length())
		if err != nil {
			return err
		}
		m.write(l.Bytes())
		if err := l.Send(); err != nil {
			return err
		}
		pauseNow(random)
	}
})

// stormReceiver is the only one: it goes on where the one before has stopped.
var stormReceiver = ipctest.Helper("storm receiver", func(c *ipctest.Control) error {
	b, record, err := openStorm(c)
	if err != nil {
		return err
	}
	c.AtEnd(func() { b.Close() })
	in, err := again(b.Receiver)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 2))
	for {
		s, err := in.Receive(context.Background())
		if err != nil {
			return err
		}
		m, err := readStorm(s.Bytes())
		if err != nil {
			return err
		}
		seen := &record.seen[m.life%uint64(len(record.seen))]
		if last := seen.Load(); m.number != last+1 && !(s.Redelivered() && m.number == last) {
			return fmt.Errorf("message %d of life %d after %d, redelivered: %t", m.number, m.life, last, s.Redelivered())
		}
		seen.Store(m.number)
		record.received.Add(1)
		if err := s.Release(); err != nil {
			return err
		}
		pauseNow(random)
	}
})

// stormListener is one of several, each with a position of its own.
var stormListener = ipctest.Helper("storm listener", func(c *ipctest.Control) error {
	b, record, err := openStorm(c)
	if err != nil {
		return err
	}
	c.AtEnd(func() { b.Close() })
	in, err := b.Receiver()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 3))
	var last stormMessage
	skipped := uint64(0)
	for {
		s, err := in.Receive(context.Background())
		if errors.Is(err, ErrDisconnected) {
			if err := in.Close(); err != nil {
				return err
			}
			if in, err = b.Receiver(); err != nil {
				return err
			}
			last, skipped = stormMessage{}, 0
			continue
		}
		if err != nil {
			return err
		}
		m, err := readStorm(s.Bytes())
		if err != nil {
			return err
		}
		missed := in.Skipped() - skipped
		skipped += missed
		switch {
		case last.life == 0, m.life == last.life && m.number == last.number+1+missed:
		case m.life != last.life && (m.number == 1 || missed > 0):
		default:
			return fmt.Errorf("message %d of life %d after %d of life %d, %d skipped", m.number, m.life, last.number, last.life, missed)
		}
		last = m
		record.received.Add(1)
		if err := s.Release(); err != nil {
			return err
		}
		pauseNow(random)
	}
})

// storm is processes at one ring, of which one after the other is killed.
type storm struct {
	t       *testing.T
	args    []string
	record  *stormRecord
	helpers []string
	running []*ipctest.Process
}

func newStorm(t *testing.T, cfg *Config, helpers ...string) *storm {
	t.Helper()
	b := newBytes(t, cfg)
	name := ipctest.UniqueName()
	seg := must[*shm.Segment](t)(shm.Create(name, 64<<10, nil))
	t.Cleanup(func() {
		seg.Close()
		shm.Remove(shm.KindSegment, name, nil)
	})
	s := &storm{t: t, args: []string{b.Name(), name}, helpers: helpers}
	s.record = must[*stormRecord](t)(mmap.View[stormRecord](seg.Mapping, 0))
	for _, h := range helpers {
		s.running = append(s.running, ipctest.Start(t, h, s.args...))
	}
	return s
}

// goesOn fails the test unless more messages are received.
func (s *storm) goesOn() {
	s.t.Helper()
	before := s.record.received.Load()
	for deadline := time.Now().Add(ipctest.Patience); s.record.received.Load() < before+100; time.Sleep(time.Millisecond) {
		for _, p := range s.running {
			select {
			case <-p.Done():
				s.t.Fatalf("a process ended: %s", p.Stderr())
			default:
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("nothing is received any more; %d were", before)
		}
	}
}

// kill kills one of the processes at a random moment, and starts it again.
func (s *storm) kill() {
	time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
	i := rand.IntN(len(s.running))
	if said := s.running[i].Stderr(); said != "" {
		s.t.Fatal(said)
	}
	s.running[i].Kill()
	s.running[i] = ipctest.Start(s.t, s.helpers[i], s.args...)
}

// However processes are killed, nothing that was sent is lost, duplicated without a mark,
// or torn, and the others go on.
func TestKillStorm(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     Config
		helpers []string
	}{
		"one to one":  {Config{}, []string{stormSender, stormReceiver}},
		"many to one": {Config{Shape: ManyToOne}, []string{stormSender, stormSender, stormSender, stormReceiver}},
		"broadcast":   {Config{Shape: Broadcast}, []string{stormSender, stormListener, stormListener}},
		"skip":        {Config{Shape: Broadcast, Slow: SlowSkip}, []string{stormSender, stormListener, stormListener}},
		"disconnect":  {Config{Shape: Broadcast, Slow: SlowDisconnect}, []string{stormSender, stormListener, stormListener}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.cfg
			cfg.CapacityBytes = 16 << 10
			s := newStorm(t, &cfg, c.helpers...)
			for range ipctest.Count(1000) {
				s.goesOn()
				s.kill()
			}
			s.goesOn()
			for _, p := range s.running {
				if said := p.Stderr(); said != "" {
					t.Error(said)
				}
			}
			t.Logf("%d messages received, %d lives of senders", s.record.received.Load(), s.record.lives.Load())
		})
	}
}
