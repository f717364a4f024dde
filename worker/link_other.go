//go:build !linux

package worker

import (
	"io"
	"os/exec"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// startLinked starts cmd with a duplex pipe, and a second one for commands. spec is
// completed for the environment.
func startLinked(cmd *exec.Cmd, sp *spec) (l link, err error) {
	r, w, err := pipe.New(&pipe.Config{Direction: pipe.Out})
	if err != nil {
		return l, err
	}
	defer r.Close()
	if sp.Handle, err = pipe.Inherit(cmd, r); err != nil {
		w.Close()
		return l, err
	}
	calls, err := newLedger()
	if err != nil {
		w.Close()
		return l, err
	}
	sp.Ledger = calls.name()
	sp.put(cmd)
	data, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
	if err != nil {
		w.Close()
		calls.close()
		return l, err
	}
	return link{data, w, calls}, nil
}

// inheritLink is the worker's side of startLinked.
func inheritLink(sp *spec) (l link, err error) {
	data, err := pipe.Inherited()
	if err != nil {
		return l, err
	}
	control, err := pipe.InheritedFile(sp.Handle)
	if err != nil {
		data.Close()
		return l, err
	}
	calls, err := openLedger(sp.Ledger)
	if err != nil {
		data.Close()
		control.Close()
		return l, err
	}
	return link{data, io.ReadWriteCloser(control), calls}, nil
}

// untaken reports whether a worker that has ended had not taken a call, as far as is known.
func (l link) untaken(call uint64) bool { return l.ledger.lacks(call) }
