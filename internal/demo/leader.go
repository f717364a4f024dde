package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// leader is a leadership that passes to the client, a parent, when it kills the
// leader, its child.
var leader = demo{
	mechanism: "leader",
	scheme:    "lead",
	missing:   noSync,
	parental:  true,
	remove:    removeOne(ipcsync.KindLeader),
	server: func(p *process) error {
		return underParent(func() error {
			l, err := ipcsync.Lead(context.Background(), p.name(), nil)
			if err == nil {
				p.say("leads, in term %d", l.Term())
			}
			return err
		})
	},
	client: func(p *process) error {
		if err := p.leadOnce(); err != nil { // so that the name is made by this process
			return err
		}
		p.say("leads for the name %s, and resigns", p.name())
		if err := p.withChild(true, func(pid int) error {
			p.say("kills the next leader, process %d", pid)
			return nil
		}); err != nil {
			return err
		}
		began := time.Now()
		l, err := ipcsync.Lead(context.Background(), p.name(), nil)
		if err != nil {
			return err
		}
		p.say("leads after %v, in term %d, and is told that the leader died", time.Since(began).Round(time.Microsecond), l.Term())
		if !l.Recovered() {
			return errors.Join(l.Resign(), errors.New("the leader's death went unnoticed"))
		}
		if err := l.Resign(); err != nil {
			return err
		}
		return p.measureEach(fmt.Sprintf("a dead leader's place, then %d x lead, resign", roundTrips), p.leadOnce)
	},
}

func (p *process) leadOnce() error {
	l, err := ipcsync.Lead(context.Background(), p.name(), nil)
	if err != nil {
		return err
	}
	return l.Resign()
}
