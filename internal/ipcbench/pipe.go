package ipcbench

import (
	"runtime"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// namedPipe is package pipe's, in byte mode.
var namedPipe = transport{
	name:     "pipe",
	style:    1,
	cantSpin: because("parks only"),
	serve: func(e *end) (link, error) {
		l, err := pipe.Listen(e.pipeName(), nil)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		e.ready("")
		c, err := l.AcceptContext(e.ctx)
		if err != nil {
			return nil, err
		}
		return newStream(e, c, c), nil
	},
	dial: func(e *end) (link, error) {
		c, err := pipe.Dial(e.ctx, e.pipeName(), nil)
		if err != nil {
			return nil, err
		}
		return newStream(e, c, c), nil
	},
}

// pipeName returns a name whose socket, if it is one, lies in the run's directory.
func (e *end) pipeName() string {
	if runtime.GOOS == "windows" {
		return e.name()
	}
	return e.path("pipe")
}
