package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/shm"
)

// latestValue joins processes that know its name and that of another one, by which
// they are answered: a latest value has one writer.
var latestValue = demo{
	mechanism: "latest value",
	scheme:    "latest",
	missing:   linuxAndWindows("latest values"),
	remove: func(name string) {
		shm.Remove(shm.KindLatest, name, nil)
		shm.Remove(shm.KindLatest, backName(name), nil)
	},
	server: func(p *process) error {
		return withLatest(p, shm.CreateLatest[int64], func(there, back *shm.Latest[int64]) error {
			p.say("creates the latest values %s and %s", p.name(), backName(p.name()))
			w, err := back.TryWriter()
			if err != nil {
				return err
			}
			var n int64
			p.ready()
			err = p.pong("is woken by a new value, and stores one in the other",
				awaitLatest(there, &n), func() error { return w.Store(-n) })
			return errors.Join(err, w.Close())
		})
	},
	client: func(p *process) error {
		return withLatest(p, shm.OpenLatest[int64], func(there, back *shm.Latest[int64]) error {
			w, err := there.TryWriter()
			if err != nil {
				return err
			}
			p.say("opens them and stores a value in one")
			var sent, answer int64
			await := awaitLatest(back, &answer)
			err = p.ping("a value", func() error {
				sent++
				return w.Store(sent)
			}, func() error {
				if err := await(); err != nil {
					return err
				}
				if answer != -sent {
					return fmt.Errorf("the answer to %d was %d", sent, answer)
				}
				return nil
			})
			return errors.Join(err, w.Close())
		})
	},
}

// withLatest is withPair for latest values.
func withLatest(p *process, open func(string, *shm.Config) (*shm.Latest[int64], error), f func(there, back *shm.Latest[int64]) error) error {
	return withPair(p, func(name string, _ *ipcsync.Config) (*shm.Latest[int64], error) { return open(name, nil) }, f)
}

// awaitLatest returns a function that waits for a newer value each time.
func awaitLatest(l *shm.Latest[int64], v *int64) func() error {
	var version uint64
	return func() (err error) {
		*v, version, err = l.Wait(context.Background(), version)
		return err
	}
}
