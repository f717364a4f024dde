package store

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// A store is asked again and again whether it is there, and ended when it has been silent
// for mostSilent: a call that waits for it then reaches the next one in time. The answer
// takes nothing from the disk, so that a slow one doesn't count as silence. After a time
// in which both processes stood still, as with Ctrl-Z, a store has another answerTime.
const (
	askEvery   = 500 * time.Millisecond
	answerTime = 1500 * time.Millisecond // one late answer makes it Hanging
	mostLate   = 3                       // answers in a row
	mostSilent = askEvery + mostLate*answerTime
)

// errHung is why a store was ended.
var errHung = errors.New("it did not answer any more, and was killed")

// guard asks until ctx ends. It fails with errHung when it has ended the store.
func (k *Keeper) guard(ctx context.Context) error {
	for late := 0; ; {
		asked, cancel := context.WithTimeout(ctx, answerTime)
		_, err := rpc.Call[any](asked, k.client.Object(Object), "Alive")
		silent := asked.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case silent:
			if late++; late == mostLate && k.killServing() {
				return errHung
			}
			k.hangs(true)
			continue
		case err == nil:
			late = 0
			k.hangs(false)
		}
		sleep(ctx, askEvery) // without a connection there is the next one's guard
	}
}

// hangs notes whether the store that runs answers.
func (k *Keeper) hangs(hanging bool) {
	from, to := Hanging, Running
	if hanging {
		from, to = Running, Hanging
	}
	if state, _ := k.State(); state.Phase == from {
		k.update(func(s *State) { s.Phase = to })
	}
}

// dial connects to whichever store serves the file.
func (k *Keeper) dial(ctx context.Context) (net.Conn, error) {
	conn, err := endpoint.Dial(ctx, k.url)
	if err != nil {
		return nil, err
	}
	pid := 0
	if known, ok := conn.(interface{ Peer() breezeway.Peer }); ok {
		pid = known.Peer().PID
	}
	k.serves(pid)
	return conn, nil
}

// serves notes which process serves, 0 if none is known to. It is found while its
// connection is new, so that it is the one meant later too, whatever becomes of the number.
func (k *Keeper) serves(pid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.process != nil {
		k.process.Release()
		k.process = nil
	}
	if pid > 0 {
		k.process, _ = os.FindProcess(pid) // nil if it has gone
	}
}

// killServing ends the process that serves, also if another keeper started it: that may
// have been killed, and a store that stands still doesn't notice. It reports whether it could.
func (k *Keeper) killServing() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process != nil && k.process.Kill() == nil
}
