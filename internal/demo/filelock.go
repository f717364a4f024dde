package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// fileLock is a lock on a file whose holder, the server, is killed by the client, its
// parent. The file goes with the run's directory.
var fileLock = demo{
	mechanism: "file lock",
	scheme:    "file",
	parental:  true,
	server: func(p *process) error {
		return underParent(func() error {
			l, err := ipcsync.OpenFileLock(p.lockedFile(), nil)
			if err != nil {
				return err
			}
			if _, err := l.Lock(context.Background()); err != nil {
				return err
			}
			p.say("opens it and locks it")
			return nil
		})
	},
	client: func(p *process) error {
		l, err := ipcsync.OpenFileLock(p.lockedFile(), nil)
		if err != nil {
			return err
		}
		defer l.Close()
		p.say("opens %s", p.lockedFile())
		if err := p.withChild(true, func(pid int) error {
			_, free, err := l.TryLock()
			if err != nil || free {
				return errors.Join(err, errors.New("the lock that the child holds is free"))
			}
			p.say("can't have the lock, and kills process %d", pid)
			return nil
		}); err != nil {
			return err
		}
		began := time.Now()
		if err := lockOnce(l.Lock); err != nil {
			return err
		}
		p.say("has the lock after %v; the kernel drops a dead owner's", time.Since(began).Round(time.Microsecond))
		return p.measureEach(fmt.Sprintf("a dead owner's lock, then %d x lock, unlock", roundTrips), func() error {
			return lockOnce(l.Lock)
		})
	},
}

func (p *process) lockedFile() string { return filepath.Join(p.dir, "locked") }
