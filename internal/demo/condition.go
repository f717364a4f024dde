package demo

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/shm"
)

// condition is where holders of a mutex wait for a change of what it protects: here
// a counter in shared memory.
var condition = demo{
	mechanism: "condition",
	scheme:    "cond",
	missing:   noSync,
	remove: func(name string) {
		ipcsync.Remove(ipcsync.KindCond, name, nil)
		ipcsync.Remove(ipcsync.KindMutex, guardName(name), nil)
		shm.Remove(shm.KindStruct, guardName(name), nil)
	},
	server: func(p *process) error {
		g, err := p.openGuarded(ipcsync.CreateCond)
		if err != nil {
			return err
		}
		defer g.close()
		p.say("creates the condition %s, and waits until a counter is odd", g.changed.Name())
		p.ready()
		return p.pong("finds it odd, and adds 1", g.awaitParity(1), g.add)
	},
	client: func(p *process) error {
		g, err := p.openGuarded(ipcsync.OpenCond)
		if err != nil {
			return err
		}
		defer g.close()
		p.say("opens it, adds 1, and signals")
		return p.ping("a count", g.add, g.awaitParity(0))
	},
}

// guardName is the name of the mutex and of what it protects. Other demos of the run
// have a mutex and a struct of its own name.
func guardName(name string) string { return name + ".guarded" }

// guardedCount is a counter that a mutex protects.
type guardedCount struct {
	mutex   *ipcsync.Mutex
	changed *ipcsync.Cond
	count   *shm.Struct[struct{ N uint64 }]
}

func (p *process) openGuarded(open func(string, *ipcsync.Config) (*ipcsync.Cond, error)) (_ *guardedCount, err error) {
	g := &guardedCount{}
	if g.changed, err = open(p.name(), nil); err == nil {
		g.mutex, err = ipcsync.OpenOrCreateMutex(guardName(p.name()), nil)
	}
	if err == nil {
		g.count, err = shm.OpenOrCreateStruct[struct{ N uint64 }](guardName(p.name()), nil)
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *guardedCount) close() {
	g.count.Close() // of what isn't open an error, which tells nothing new
	g.mutex.Close()
	g.changed.Close()
}

func (g *guardedCount) add() error {
	h, err := g.mutex.Lock(context.Background())
	if err != nil {
		return err
	}
	g.count.Value().N++
	return errors.Join(h.Unlock(), g.changed.Signal())
}

func (g *guardedCount) awaitParity(parity uint64) func() error {
	return func() error {
		h, err := g.mutex.Lock(context.Background())
		for err == nil && g.count.Value().N%2 != parity {
			h, err = g.changed.Wait(context.Background(), h)
		}
		if err != nil {
			return err // this process ends, and what it holds is free
		}
		return h.Unlock()
	}
}
