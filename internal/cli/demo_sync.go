package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// noTurns says why this system lacks semaphores, locks and events.
func noTurns() string {
	if noSegments() == "" {
		return ""
	}
	return "semaphores, locks and events are for Linux and Windows"
}

// both comes to the two objects of a run by which turns are given, there and back.
func both[T io.Closer](p *player, come func(name string, cfg *ipcsync.Config) (T, error), f func(there, back T) error) error {
	there, err := come(p.name(), nil)
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := come(wayBack(p.name()), nil)
	if err != nil {
		return err
	}
	defer back.Close()
	return f(there, back)
}

// wayBack is the name of the object for turns in the other direction.
func wayBack(name string) string { return name + ".back" }

// removeTurns removes what a run has left of them. On Windows they go by themselves.
func removeTurns(name string) {
	for _, n := range []string{name, wayBack(name)} {
		ipcsync.RemoveSemaphore(n, nil)
		ipcsync.RemoveEvent(n, nil)
	}
	ipcsync.RemoveMutex(name, nil)
}

// takeTurns is the client's part: it gives turns, and takes those that come back.
func (p *player) takeTurns(what string, give, take func() error) error {
	trip := func(n int) error {
		for range n {
			if err := errors.Join(give(), take()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := trip(1); err != nil {
		return err
	}
	p.say("is answered")
	return p.measure(fmt.Sprintf("%d x %s, there and back", roundTrips, what), trip)
}

// answerTurns is the server's part. It ends when it has answered all.
func (p *player) answerTurns(what string, take, give func() error) error {
	for i := range 1 + warmUp + roundTrips {
		if err := take(); err != nil {
			return err
		}
		if i == 0 {
			p.say("%s", what)
		}
		if err := give(); err != nil {
			return err
		}
	}
	return nil
}
