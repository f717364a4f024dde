package demo

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// turnBuffer is memory that two processes take turns with. Its first word says whose
// turn it is: the client makes it odd, when it has written, and the server even,
// when it has answered in the same place.
type turnBuffer struct{ *mmap.Mapping }

const (
	turnBufferSize = 4096
	turnAt         = 0 // uint32
	lengthAt       = 4 // uint32: of the text
	textAt         = 64
	payloadAt      = 64

	turnOver = math.MaxUint32 // the client has done
)

// pass gives the turn to the other process.
func (b turnBuffer) pass(turn uint32) error { return mmap.AtomicStore(b.Mapping, turnAt, turn) }

// await waits for a turn, and reports false if there will be none.
func (b turnBuffer) await(turn uint32) (bool, error) {
	var now uint32
	err := poll(func() (_ bool, err error) {
		now, err = mmap.AtomicLoad[uint32](b.Mapping, turnAt)
		return now == turn || now == turnOver, err
	})
	return err == nil && now == turn, err
}

// poll returns when done reports true or fails.
func poll(done func() (bool, error)) error {
	// Two processes that sleep equally long between looks may find each other
	// asleep each time. So look on for longer than a sleep takes, unless that keeps
	// the only processor from the other process.
	spin := 2 * time.Millisecond
	if runtime.NumCPU() == 1 {
		spin = 0
	}
	pause := 50 * time.Microsecond
	for began := time.Now(); ; {
		for range 100 {
			if ok, err := done(); ok || err != nil {
				return err
			}
		}
		if time.Since(began) < spin {
			runtime.Gosched()
			continue
		}
		time.Sleep(pause)
		pause = min(2*pause, time.Millisecond)
	}
}

// talkOn is the client's part: a line, its answer, round trips.
func (p *process) talkOn(b turnBuffer) error {
	defer b.pass(turnOver)
	text := fmt.Sprintf("hello from process %d", os.Getpid())
	p.say("writes %q", text)
	if _, err := b.WriteAt([]byte(text), textAt); err != nil {
		return err
	}
	if err := mmap.Write(b.Mapping, lengthAt, uint32(len(text))); err != nil {
		return err
	}
	if err := b.swap(1); err != nil {
		return err
	}
	answer := make([]byte, len(text))
	if _, err := b.ReadAt(answer, textAt); err != nil {
		return err
	}
	p.say("reads %q in its place", answer)
	if string(answer) != strings.ToUpper(text) {
		return fmt.Errorf("the answer to %q was %q", text, answer)
	}
	turn := uint32(1)
	return p.measure(fmt.Sprintf("a line, then %d x %d B, answered in place", roundTrips, payloadSize), func(n int) error {
		for range n {
			turn += 2
			if err := b.trip(turn); err != nil {
				return err
			}
		}
		return nil
	})
}

// swap passes the turn and waits for the next one.
func (b turnBuffer) swap(turn uint32) error {
	if err := b.pass(turn); err != nil {
		return err
	}
	_, err := b.await(turn + 1) // only the client ends the game
	return err
}

// trip writes a payload and reads its answer.
func (b turnBuffer) trip(turn uint32) error {
	return b.payload(func(payload []byte) error {
		bench.Fill(payload, int(turn))
		if err := b.swap(turn); err != nil {
			return err
		}
		return bench.Check(payload, ^int(turn))
	})
}

func (b turnBuffer) payload(f func(payload []byte) error) error {
	return b.Borrow(func(all []byte) error { return f(all[payloadAt : payloadAt+payloadSize]) })
}

// answerOn is the server's part. It ends when the client has done.
func (p *process) answerOn(b turnBuffer) error {
	if ok, err := b.await(1); !ok {
		return err
	}
	if err := p.shout(b); err != nil {
		return err
	}
	for turn := uint32(3); ; turn += 2 {
		if err := b.pass(turn - 1); err != nil {
			return err
		}
		if ok, err := b.await(turn); !ok {
			return err
		}
		if err := b.payload(func(payload []byte) error {
			defer bench.Fill(payload, ^int(turn))
			return bench.Check(payload, int(turn))
		}); err != nil {
			return err
		}
	}
}

// shout answers the line in capitals.
func (p *process) shout(b turnBuffer) error {
	n, err := mmap.Read[uint32](b.Mapping, lengthAt)
	if err != nil {
		return err
	}
	return b.Borrow(func(all []byte) error {
		text := all[textAt:]
		if uint64(n) > uint64(len(text)) {
			return fmt.Errorf("a line of %d bytes", n)
		}
		text = text[:n]
		p.say("reads %q, answers in capitals", text)
		copy(text, bytes.ToUpper(text))
		return nil
	})
}
