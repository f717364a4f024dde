package demo

import (
	"context"
	"fmt"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// barrier is where two processes that know its name wait for each other.
var barrier = demo{
	mechanism: "barrier",
	scheme:    "barrier",
	missing:   noSync,
	remove:    removeOne(ipcsync.KindBarrier),
	server: func(p *process) error {
		b, err := ipcsync.CreateBarrier(p.name(), 2, nil)
		if err != nil {
			return err
		}
		defer b.Close()
		p.say("creates the barrier %s for two and waits", b.Name())
		p.ready()
		for range 1 + warmUp + roundTrips {
			if _, err := b.Wait(context.Background()); err != nil {
				return err
			}
		}
		return nil
	},
	client: func(p *process) error {
		b, err := ipcsync.OpenBarrier(p.name(), nil)
		if err != nil {
			return err
		}
		defer b.Close()
		meet := func() error {
			_, err := b.Wait(context.Background())
			return err
		}
		if err := meet(); err != nil {
			return err
		}
		p.say("opens it and waits too, so that both go on")
		return p.measureEach(fmt.Sprintf("%d x both waited for each other", roundTrips), meet)
	},
}
