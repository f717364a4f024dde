package demo

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// fifo joins processes that know two paths, since a FIFO goes one way. They lie in
// the run's directory, and go with that.
var fifo = demo{
	mechanism: "FIFO",
	scheme:    "fifo",
	missing:   noFIFOs(),
	server: func(p *process) (err error) {
		there, back := p.fifos()
		for _, path := range []string{there, back} {
			if err := pipe.MakeFIFO(path, nil); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, pipe.RemoveFIFO(path)) }()
		}
		p.say("makes %s and %s", there, back)
		p.ready()
		in, err := pipe.OpenFIFO(context.Background(), there, pipe.In, nil)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := pipe.OpenFIFO(context.Background(), back, pipe.Out, nil)
		if err != nil {
			return err
		}
		defer out.Close()
		return p.answer(bothWays{in, out}, "the FIFO")
	},
	client: func(p *process) error {
		there, back := p.fifos()
		out, err := pipe.OpenFIFO(context.Background(), there, pipe.Out, nil)
		if err != nil {
			return err
		}
		defer out.Close()
		in, err := pipe.OpenFIFO(context.Background(), back, pipe.In, nil)
		if err != nil {
			return err
		}
		defer in.Close()
		p.say("opens both")
		return p.talk(bothWays{in, out})
	},
}

func (p *process) fifos() (there, back string) {
	return filepath.Join(p.dir, "there"), filepath.Join(p.dir, "back")
}

// bothWays makes one stream of two.
type bothWays struct {
	io.Reader
	io.Writer
}

func noFIFOs() string {
	if runtime.GOOS == "windows" {
		return "Windows has no FIFOs; use a named pipe"
	}
	return ""
}
