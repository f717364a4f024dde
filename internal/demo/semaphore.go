package demo

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// semaphore joins processes that know its name and that of another one, by which
// permits come back.
var semaphore = demo{
	mechanism: "semaphore",
	scheme:    "sem",
	missing:   noSync,
	remove:    removePair(ipcsync.KindSemaphore),
	server: func(p *process) error {
		create := func(name string, cfg *ipcsync.Config) (*ipcsync.Semaphore, error) {
			return ipcsync.CreateSemaphore(name, 0, cfg)
		}
		return withPair(p, create, func(there, back *ipcsync.Semaphore) error {
			p.say("creates the semaphores %s and %s without permits", there.Name(), back.Name())
			p.ready()
			return p.pong("acquires a permit, and releases one the other way", takePermit(there), givePermit(back))
		})
	},
	client: func(p *process) error {
		return withPair(p, ipcsync.OpenSemaphore, func(there, back *ipcsync.Semaphore) error {
			p.say("opens them and releases a permit")
			return p.ping("a permit", givePermit(there), takePermit(back))
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
