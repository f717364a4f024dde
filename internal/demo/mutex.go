package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// mutex is a lock whose holder, the server, is killed by the client, its parent.
var mutex = demo{
	mechanism: "mutex",
	scheme:    "mutex",
	missing:   noSync,
	parental:  true,
	remove:    removeOne(ipcsync.KindMutex),
	server: func(p *process) error {
		return underParent(func() error {
			m, err := ipcsync.OpenMutex(p.name(), nil)
			if err != nil {
				return err
			}
			if _, err := m.Lock(context.Background()); err != nil {
				return err
			}
			p.say("opens it and locks it")
			return nil
		})
	},
	client: func(p *process) error {
		m, err := ipcsync.CreateMutex(p.name(), nil)
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("creates the mutex %s", m.Name())
		if err := p.killHolder(m); err != nil {
			return err
		}
		began := time.Now()
		held, err := m.Lock(context.Background())
		if err != nil {
			return err
		}
		p.say("has the lock after %v, and is told that its owner died", time.Since(began).Round(time.Microsecond))
		if !held.Recovered() {
			return errors.New("the owner's death went unnoticed")
		}
		if err := errors.Join(held.MarkConsistent(), held.Unlock()); err != nil {
			return err
		}
		return p.measureEach(fmt.Sprintf("a dead owner's lock, then %d x lock, unlock", roundTrips), func() error {
			return lockOnce(m.Lock)
		})
	},
}

// killHolder starts a process that locks m, and kills it.
func (p *process) killHolder(m *ipcsync.Mutex) error {
	return p.withChild(true, func(pid int) error {
		_, free, err := m.TryLock()
		if err != nil || free {
			return errors.Join(err, errors.New("the lock that the child holds is free"))
		}
		p.say("can't have the lock, and kills process %d", pid)
		return nil
	})
}

func lockOnce(lock func(context.Context) (ipcsync.Held, error)) error {
	h, err := lock(context.Background())
	if err != nil {
		return err
	}
	return h.Unlock()
}

// underParent is the part of a server that is the client's child: it takes
// something, says so, and keeps it until its parent closes the pipe or kills it.
func underParent(take func() error) error {
	c, err := pipe.Inherited()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := take(); err != nil {
		return err
	}
	if _, err := c.Write([]byte("taken\n")); err != nil {
		return err
	}
	readLine(c) // none comes
	return nil
}

// withChild starts the server as a child, calls f when it has taken what it takes,
// and then kills it or lets it end.
func (p *process) withChild(kill bool, f func(pid int) error) error {
	cmd, c, err := p.startChild()
	if err != nil {
		return err
	}
	if _, err = readLine(c); err == nil {
		err = f(cmd.Process.Pid)
	}
	kill = kill || err != nil
	if kill {
		cmd.Process.Kill()
	}
	err = errors.Join(err, c.Close())
	if ended := cmd.Wait(); !kill {
		err = errors.Join(err, ended)
	}
	return err
}
