package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// fifo joins processes that know two paths: a FIFO goes one way.
var fifo = demo{
	mechanism: "FIFO",
	missing:   notOn("windows", "Windows has no FIFOs; use a named pipe"),
	server: func(p *player) (err error) {
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
	client: func(p *player) error {
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

func (p *player) fifos() (there, back string) {
	return filepath.Join(p.dir, "there"), filepath.Join(p.dir, "back")
}

// bothWays makes one stream of two.
type bothWays struct {
	io.Reader
	io.Writer
}
