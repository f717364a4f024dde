package demo

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// anonymousPipe joins a parent, the client, and its child.
var anonymousPipe = demo{
	mechanism: "anonymous pipe",
	parental:  true,
	server: func(p *process) error {
		c, err := pipe.Inherited()
		if err != nil {
			return err
		}
		defer c.Close()
		return p.answer(c, "its parent")
	},
	client: func(p *process) error {
		cmd, c, err := p.startChild()
		if err != nil {
			return err
		}
		p.say("starts a child, process %d, with a pipe each way", cmd.Process.Pid)
		err = p.talk(c)
		return errors.Join(err, c.Close(), cmd.Wait())
	},
}

// namedPipe joins processes that know a name.
var namedPipe = demo{
	mechanism: "named pipe",
	scheme:    "pipe",
	server: func(p *process) error {
		return p.withClient(nil, func(c *pipe.Conn) error { return p.answer(c, c.Peer().String()) })
	},
	client: func(p *process) error {
		return p.withServer(nil, func(c *pipe.Conn) error { return p.talk(c) })
	},
}

// withClient listens at the run's name, and calls f with the first connection. The
// socket lies in the run's directory, and goes with that.
func (p *process) withClient(cfg *pipe.Config, f func(*pipe.Conn) error) error {
	l, err := pipe.Listen(p.name(), cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	p.say("listens at %s", l.Addr())
	p.ready()
	c, err := l.AcceptContext(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// withServer calls f with a connection to the run's name.
func (p *process) withServer(cfg *pipe.Config, f func(*pipe.Conn) error) error {
	c, err := pipe.Dial(context.Background(), p.name(), cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	p.say("connects to %s", c.Peer())
	return f(c)
}
