package demo

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/shm"
)

// sharedStruct is a value of a Go type that processes share which know its name.
var sharedStruct = demo{
	mechanism: "struct",
	scheme:    "struct",
	remove:    func(name string) { shm.Remove(shm.KindStruct, name, nil) },
	server: func(p *process) error {
		s, err := shm.CreateStruct[turnStruct](p.name(), nil)
		if err != nil {
			return err
		}
		defer s.Close()
		p.say("creates the struct %s with a counter", p.name())
		p.ready()
		return p.pong("finds it odd, and adds 1", awaitParity(s, 1), count(s))
	},
	client: func(p *process) error {
		s, err := shm.OpenStruct[turnStruct](p.name(), nil)
		if err != nil {
			return err
		}
		defer s.Close()
		p.say("opens it and adds 1")
		return p.ping("a count", count(s), awaitParity(s, 0))
	},
}

// turnStruct says whose turn it is: the server's if Count is odd.
type turnStruct struct{ Count atomic.Uint64 }

func count(s *shm.Struct[turnStruct]) func() error {
	return func() error {
		return s.Borrow(func(t *turnStruct) error {
			t.Count.Add(1)
			return nil
		})
	}
}

func awaitParity(s *shm.Struct[turnStruct], parity uint64) func() error {
	return func() error {
		return s.Borrow(func(t *turnStruct) error {
			return poll(func() (bool, error) { return t.Count.Load()%2 == parity, nil })
		})
	}
}
