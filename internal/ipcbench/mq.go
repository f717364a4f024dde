package ipcbench

import (
	"runtime"

	"github.com/breezeway-ipc/breezeway/mq"
)

// messageQueue is a portable queue for each way. It spins by itself for as long as that
// pays off, unless the process has one processor only: so parked rows have only one.
var messageQueue = transport{
	name:     "mq",
	style:    5,
	missing:  only("linux windows", "message queues are for Linux and Windows"),
	cantSpin: needsProcessors,
	serve: func(e *end) (link, error) {
		l, err := serveQueues(e, func(name string) (*mq.LocalQueue, error) { return mq.Create(name, queueConfig(e.size)) })
		if err != nil {
			return nil, err
		}
		return letPark(e, l), nil
	},
	dial: func(e *end) (link, error) {
		l, err := dialQueues(e, func(name string) (*mq.LocalQueue, error) { return mq.Open(name, nil) })
		if err != nil {
			return nil, err
		}
		return letPark(e, l), nil
	},
	remove: func(name string) {
		mq.Remove(name, nil)
		mq.Remove(backName(name), nil)
	},
}

// queueConfig makes room for 1024 small messages, or for 16 large ones.
func queueConfig(size int) *mq.Config {
	return &mq.Config{Capacity: 1024, MaxMessage: size, CapacityBytes: max(4<<20, 16*int64(size))}
}

// letPark takes the processors away on which the link would spin, if it is to park.
func letPark(e *end, l link) link {
	if e.mode != Park {
		return l
	}
	return &oneProcessor{l, runtime.GOMAXPROCS(1)}
}

// oneProcessor is a link of a process that has one processor until it is closed.
type oneProcessor struct {
	link
	before int
}

func (o *oneProcessor) Close() error {
	runtime.GOMAXPROCS(o.before)
	return o.link.Close()
}
