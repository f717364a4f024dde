package demo

import (
	"context"

	"github.com/breezeway-ipc/breezeway/shmnet"
)

// memoryConnection joins processes that know a name, by rings of bytes that both map.
var memoryConnection = demo{
	mechanism: "connection through shared memory",
	scheme:    "shmnet",
	server: func(p *process) error {
		l, err := shmnet.Listen(p.name(), nil)
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
	client: func(p *process) error {
		c, err := shmnet.Dial(context.Background(), p.name(), nil)
		if err != nil {
			return err
		}
		defer c.Close()
		p.say("connects to %s; bytes travel by %s", c.Peer(), c.Transport())
		return p.talk(c)
	},
}
