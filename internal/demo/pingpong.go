package demo

import (
	"errors"
	"fmt"
	"io"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// noSync says why this system lacks semaphores, locks and events.
var noSync = linuxAndWindows("semaphores, locks and events")

// withPair opens or creates the two objects by which processes wake each other,
// there and back, and calls f with them.
func withPair[T io.Closer](p *process, open func(name string, cfg *ipcsync.Config) (T, error), f func(there, back T) error) error {
	there, err := open(p.name(), nil)
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := open(backName(p.name()), nil)
	if err != nil {
		return err
	}
	defer back.Close()
	return f(there, back)
}

// backName is the name of the object for the way back.
func backName(name string) string { return name + ".back" }

// removePair makes remove of a demo with such objects.
func removePair(kind ipcsync.Kind) func(name string) {
	return func(name string) {
		ipcsync.Remove(kind, name, nil)
		ipcsync.Remove(kind, backName(name), nil)
	}
}

// removeOne makes remove of a demo with one object.
func removeOne(kind ipcsync.Kind) func(name string) {
	return func(name string) { ipcsync.Remove(kind, name, nil) }
}

// ping is the client's part: it gives, and takes what comes back.
func (p *process) ping(what string, give, take func() error) error {
	trip := func() error { return errors.Join(give(), take()) }
	if err := trip(); err != nil {
		return err
	}
	p.say("is answered")
	return p.measureEach(fmt.Sprintf("%d x %s, there and back", roundTrips, what), trip)
}

// pong is the server's part. It ends when it has answered all.
func (p *process) pong(what string, take, give func() error) error {
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
