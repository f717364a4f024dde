package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/ring"
)

// frame is a message of the demo, as large as a cache line leaves room for.
type frame struct {
	Number int64
	Data   [48]byte
}

// messageRing joins processes by a ring for the way there and one for the way back.
var messageRing = demo{
	mechanism: "ring",
	scheme:    "ring",
	missing:   linuxAndWindows("rings"),
	remove: func(name string) {
		ring.Remove(name, nil)
		ring.Remove(backName(name), nil)
	},
	server: (*process).answerOnRing,
	client: (*process).talkOnRing,
}

// onRings calls f with a receiver of one ring and a sender of another.
func onRings(receive, send *ring.Ring[frame], f func(in *ring.Receiver[frame], out *ring.Sender[frame]) error) error {
	in, err := receive.Receiver()
	if err != nil {
		return err
	}
	out, err := send.Sender()
	if err != nil {
		return err
	}
	return f(in, out)
}

// answerOnRing is the server's part: it adds one to each number.
func (p *process) answerOnRing() error {
	there, err := ring.Create[frame](p.name(), nil)
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := ring.Create[frame](backName(p.name()), nil)
	if err != nil {
		return err
	}
	defer back.Close()
	return onRings(there, back, func(in *ring.Receiver[frame], out *ring.Sender[frame]) error {
		p.say("creates a ring for each way")
		p.ready()
		ctx := context.Background()
		for n := range 1 + warmUp + roundTrips {
			s, err := in.Receive(ctx)
			if err != nil {
				return err
			}
			if n == 0 {
				p.say("reads message %d in place, in shared memory", s.Value().Number)
			}
			if err := sendFrame(ctx, out, s.Value().Number+1); err != nil {
				return err
			}
			if err := s.Release(); err != nil {
				return err
			}
		}
		return nil
	})
}

func sendFrame(ctx context.Context, out *ring.Sender[frame], number int64) error {
	l, err := out.Loan(ctx)
	if err != nil {
		return err
	}
	l.Value().Number = number
	return l.Send()
}

// talkOnRing is the client's part: a message, and round trips.
func (p *process) talkOnRing() error {
	there, err := ring.Open[frame](p.name(), nil)
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := ring.Open[frame](backName(p.name()), nil)
	if err != nil {
		return err
	}
	defer back.Close()
	return onRings(back, there, func(in *ring.Receiver[frame], out *ring.Sender[frame]) error {
		ctx, number := context.Background(), int64(1)
		trip := func() error {
			if err := sendFrame(ctx, out, number); err != nil {
				return err
			}
			s, err := in.Receive(ctx)
			if err != nil {
				return err
			}
			if number++; s.Value().Number != number {
				err = fmt.Errorf("the answer to %d was %d", number-1, s.Value().Number)
			}
			return errors.Join(err, s.Release())
		}
		p.say("writes message %d in place, in shared memory", number)
		if err := trip(); err != nil {
			return err
		}
		p.say("reads the answer, %d", number)
		return p.measureEach(fmt.Sprintf("%d x 56 B, there and back", roundTrips), trip)
	})
}
