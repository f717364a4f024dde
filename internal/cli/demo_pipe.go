package cli

import (
	"context"
	"errors"
	"os"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// anonymousPipe joins a parent, the client, and its child.
var anonymousPipe = demo{
	mechanism: "anonymous pipe",
	parental:  true,
	server: func(p *player) error {
		c, err := pipe.Inherited()
		if err != nil {
			return err
		}
		defer c.Close()
		return p.answer(c, "its parent")
	},
	client: func(p *player) (err error) {
		child := &player{p.demo, "server", p.dir}
		cmd, err := child.command(context.Background())
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		c, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
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
	server: func(p *player) error {
		l, err := pipe.Listen(p.name(), nil)
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
		return p.answer(c, c.Peer().String())
	},
	client: func(p *player) error {
		c, err := pipe.Dial(context.Background(), p.name(), nil)
		if err != nil {
			return err
		}
		defer c.Close()
		p.say("connects to %s", c.Peer())
		return p.talk(c)
	},
}
