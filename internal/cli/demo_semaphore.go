package cli

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// semaphore joins processes that know its name and that of another one, by which
// permits come back.
var semaphore = demo{
	mechanism: "semaphore",
	missing:   noTurns(),
	server: func(p *player) error {
		create := func(name string, cfg *ipcsync.Config) (*ipcsync.Semaphore, error) {
			return ipcsync.CreateSemaphore(name, 0, cfg)
		}
		return both(p, create, func(there, back *ipcsync.Semaphore) error {
			p.say("creates the semaphores %s and %s without permits", there.Name(), back.Name())
			p.ready()
			return p.answerTurns("acquires a permit, and releases one the other way", takePermit(there), givePermit(back))
		})
	},
	client: func(p *player) error {
		return both(p, ipcsync.OpenSemaphore, func(there, back *ipcsync.Semaphore) error {
			p.say("opens them and releases a permit")
			return p.takeTurns("a permit", givePermit(there), takePermit(back))
		})
	},
}

func givePermit(s *ipcsync.Semaphore) func() error {
	return func() error {
		_, err := s.Release(1)
		return err
	}
}

func takePermit(s *ipcsync.Semaphore) func() error {
	return func() error { return s.Acquire(context.Background()) }
}
