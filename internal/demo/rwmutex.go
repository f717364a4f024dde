package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// rwMutex is a lock that the client, a parent, shares with its child for reading,
// and then has alone for writing.
var rwMutex = demo{
	mechanism: "rwmutex",
	scheme:    "rwmutex",
	missing:   noSync,
	parental:  true,
	remove:    removeOne(ipcsync.KindRWMutex),
	server: func(p *process) (err error) {
		m, err := ipcsync.OpenRWMutex(p.name(), nil)
		if err != nil {
			return err
		}
		defer m.Close()
		return underParent(func() error {
			if _, err := m.RLock(context.Background()); err != nil {
				return err
			}
			p.say("opens it and locks it for reading")
			return nil
		})
	},
	client: func(p *process) error {
		m, err := ipcsync.CreateRWMutex(p.name(), nil)
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("creates the rwmutex %s", m.Name())
		if err := p.withChild(false, func(int) error { return p.readTogether(m) }); err != nil {
			return err
		}
		if err := lockOnce(m.Lock); err != nil {
			return err
		}
		p.say("locks it for writing once the reader has ended")
		return p.measureEach(fmt.Sprintf("a shared lock, then %d x lock, unlock for reading and for writing", roundTrips), func() error {
			return errors.Join(lockOnce(m.RLock), lockOnce(m.Lock))
		})
	},
}

// readTogether locks m for reading beside another reader.
func (p *process) readTogether(m *ipcsync.RWMutex) error {
	if err := lockOnce(m.RLock); err != nil {
		return err
	}
	_, free, err := m.TryLock()
	if err != nil || free {
		return errors.Join(err, errors.New("the lock can be had for writing while a process reads"))
	}
	p.say("locks it for reading too; can't have it for writing")
	return nil
}
