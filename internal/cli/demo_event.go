package cli

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// signalledEvent joins processes that know its name and that of another one, by which they
// are answered.
var signalledEvent = demo{
	mechanism: "event",
	missing:   noTurns(),
	server: func(p *player) error {
		return both(p, ipcsync.CreateEvent, func(there, back *ipcsync.Event) error {
			p.say("creates the events %s and %s", there.Name(), back.Name())
			p.ready()
			return p.answerTurns("comes through, and sets the other one", awaitEvent(there), back.Set)
		})
	},
	client: func(p *player) error {
		return both(p, ipcsync.OpenEvent, func(there, back *ipcsync.Event) error {
			p.say("opens them and sets one")
			return p.takeTurns("an event", there.Set, awaitEvent(back))
		})
	},
}

func awaitEvent(e *ipcsync.Event) func() error {
	return func() error { return e.Wait(context.Background()) }
}
