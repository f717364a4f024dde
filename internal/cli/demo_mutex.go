package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// mutex is a lock whose holder, the server, is killed by the client, its parent.
var mutex = demo{
	mechanism: "mutex",
	missing:   noTurns(),
	parental:  true,
	server: func(p *player) error {
		c, err := pipe.Inherited()
		if err != nil {
			return err
		}
		defer c.Close()
		m, err := ipcsync.OpenMutex(p.name(), nil)
		if err != nil {
			return err
		}
		defer m.Close()
		if _, err := m.Lock(context.Background()); err != nil {
			return err
		}
		p.say("opens it and locks it")
		if _, err := c.Write([]byte("locked\n")); err != nil {
			return err
		}
		_, err = readLine(c) // which doesn't come
		return err
	},
	client: func(p *player) error {
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
		return p.measure(fmt.Sprintf("a dead owner's lock, then %d x lock, unlock", roundTrips), func(n int) error {
			for range n {
				held, err := m.Lock(context.Background())
				if err == nil {
					err = held.Unlock()
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	},
}

// killHolder starts a process that locks m, and kills it.
func (p *player) killHolder(m *ipcsync.Mutex) error {
	holder := &player{p.demo, "server", p.dir}
	cmd, err := holder.command(context.Background())
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	c, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
	if err != nil {
		return err
	}
	_, err = readLine(c)
	var free bool
	if err == nil {
		_, free, err = m.TryLock()
	}
	if free {
		err = errors.New("the lock that it holds is free")
	}
	if err == nil {
		p.say("can't have the lock, and kills process %d", cmd.Process.Pid)
	}
	cmd.Process.Kill()
	cmd.Wait()
	return errors.Join(err, c.Close())
}
