package ipcbench

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// fifo is a FIFO for each way.
var fifo = transport{
	name:     "fifo",
	style:    2,
	missing:  only("linux darwin freebsd openbsd netbsd dragonfly solaris illumos", "Windows has no FIFOs"),
	cantSpin: because("parks only"),
	serve: func(e *end) (link, error) {
		for _, path := range []string{e.path("there"), e.path("back")} {
			if err := pipe.MakeFIFO(path, nil); err != nil {
				return nil, err
			}
		}
		e.ready("")
		in, err := pipe.OpenFIFO(e.ctx, e.path("there"), pipe.In, nil)
		if err != nil {
			return nil, err
		}
		out, err := pipe.OpenFIFO(e.ctx, e.path("back"), pipe.Out, nil)
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		err = errors.Join(pipe.RemoveFIFO(e.path("there")), pipe.RemoveFIFO(e.path("back")))
		if err != nil {
			return nil, errors.Join(err, in.Close(), out.Close())
		}
		return newStream(e, in, out), nil
	},
	dial: func(e *end) (link, error) {
		out, err := pipe.OpenFIFO(e.ctx, e.path("there"), pipe.Out, nil)
		if err != nil {
			return nil, err
		}
		in, err := pipe.OpenFIFO(e.ctx, e.path("back"), pipe.In, nil)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		return newStream(e, in, out), nil
	},
}
