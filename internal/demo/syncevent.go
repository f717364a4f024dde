package demo

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// event joins processes that know its name and that of another one, by which they
// are answered.
var event = demo{
	mechanism: "event",
	scheme:    "event",
	missing:   noSync,
	remove:    removePair(ipcsync.KindEvent),
	server: func(p *process) error {
		return withPair(p, ipcsync.CreateEvent, func(there, back *ipcsync.Event) error {
			p.say("creates the events %s and %s", there.Name(), back.Name())
			p.ready()
			return p.pong("comes through, and sets the other one", awaitEvent(there), back.Set)
		})
	},
	client: func(p *process) error {
		return withPair(p, ipcsync.OpenEvent, func(there, back *ipcsync.Event) error {
			p.say("opens them and sets one")
			return p.ping("an event", there.Set, awaitEvent(back))
		})
	},
}

func awaitEvent(e *ipcsync.Event) func() error {
	return func() error { return e.Wait(context.Background()) }
}
