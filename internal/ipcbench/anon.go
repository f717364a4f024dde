package ipcbench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// anonymousPipe is two anonymous pipes between this process and its child.
var anonymousPipe = transport{
	name:     "anon",
	style:    0,
	cantSpin: because(noSpin),
	inherit:  inheritPipes,
	serve: func(e *end) (link, error) {
		if len(e.handles) != 2 {
			return nil, fmt.Errorf("%d handles (%w)", len(e.handles), os.ErrInvalid)
		}
		in, err := pipe.InheritedFile(e.handles[0])
		if err != nil {
			return nil, err
		}
		out, err := pipe.InheritedFile(e.handles[1])
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		e.ready("")
		return newStream(e, in, out), nil
	},
}

func inheritPipes(e *end, cmd *exec.Cmd) (_ *inherited, err error) {
	peersIn, out, err := pipe.New(&pipe.Config{Direction: pipe.Out})
	if err != nil {
		return nil, err
	}
	in, peersOut, err := pipe.New(&pipe.Config{Direction: pipe.In})
	if err != nil {
		return nil, errors.Join(err, peersIn.Close(), out.Close())
	}
	i := &inherited{link: newStream(e, in, out), started: func() { peersIn.Close(); peersOut.Close() }}
	for _, f := range []*os.File{peersIn, peersOut} {
		handle, err := pipe.Inherit(cmd, f)
		if err != nil {
			i.started()
			return nil, errors.Join(err, i.link.Close())
		}
		i.handles = append(i.handles, handle)
	}
	return i, nil
}
