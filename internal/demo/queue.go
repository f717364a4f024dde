package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"

	"github.com/breezeway-ipc/breezeway/mq"
)

// messageQueue joins processes by a queue for the way there and one for the way back.
var messageQueue = demo{
	mechanism: "message queue",
	scheme:    "mq",
	missing:   linuxAndWindows("message queues"),
	remove: func(name string) {
		mq.Remove(name, nil)
		mq.Remove(backName(name), nil)
	},
	server: func(p *process) error { return p.answerQueue(createQueue) },
	client: func(p *process) error { return p.talkByQueue(openQueue) },
}

func createQueue(name string) (mq.Queue, error) { return mq.Create(name, nil) }
func openQueue(name string) (mq.Queue, error)   { return mq.Open(name, nil) }

// posixQueue joins processes by queues that C programs know too.
var posixQueue = demo{
	mechanism: "POSIX queue",
	scheme:    "mq+posix",
	missing:   onlyLinux("POSIX queues"),
	remove: func(name string) {
		mq.RemovePOSIX(name)
		mq.RemovePOSIX(backName(name))
	},
	server: func(p *process) error {
		return p.answerQueue(func(name string) (mq.Queue, error) { return mq.CreatePOSIX(name, nil) })
	},
	client: func(p *process) error {
		return p.talkByQueue(func(name string) (mq.Queue, error) { return mq.OpenPOSIX(name, nil) })
	},
}

// systemVQueue is the same with System V's, which have keys for names.
var systemVQueue = demo{
	mechanism: "System V queue",
	scheme:    "mq+sysv",
	missing:   onlyLinux("System V queues"),
	remove: func(name string) {
		mq.RemoveSystemV(keyOf(name), nil)
		mq.RemoveSystemV(keyOf(backName(name)), nil)
	},
	server: func(p *process) error {
		return p.answerQueue(func(name string) (mq.Queue, error) { return mq.CreateSystemV(keyOf(name), nil) })
	},
	client: func(p *process) error {
		return p.talkByQueue(func(name string) (mq.Queue, error) { return mq.OpenSystemV(keyOf(name), nil) })
	},
}

// keyOf returns a key for a name that only one run has. It is not 0, which is no key.
func keyOf(name string) string {
	return fmt.Sprintf("%#x", max(1, crc32.ChecksumIEEE([]byte(name))))
}

// onlyLinux returns why another system lacks what is for Linux.
func onlyLinux(what string) string {
	if runtime.GOOS == "linux" {
		return ""
	}
	return what + " are for Linux"
}

// withQueues opens or creates the queues there and back, and calls f with them.
func (p *process) withQueues(open func(name string) (mq.Queue, error), f func(there, back mq.Queue) error) error {
	there, err := open(p.name())
	if err != nil {
		return err
	}
	defer there.Close()
	back, err := open(backName(p.name()))
	if err != nil {
		return err
	}
	defer back.Close()
	return f(there, back)
}

// answerQueue is the server's part: it answers each message in capitals.
func (p *process) answerQueue(create func(name string) (mq.Queue, error)) error {
	return p.withQueues(create, func(there, back mq.Queue) error {
		p.say("creates a queue for each way")
		p.ready()
		ctx := context.Background()
		buf := make([]byte, 64<<10)
		for n := range len(greetings) + warmUp + roundTrips {
			m, err := there.Receive(ctx, buf)
			if err != nil {
				return err
			}
			if n < len(greetings) {
				p.say("receives message %d: %q", n+1, m.Body)
			}
			if err := back.Send(ctx, mq.Outgoing{Body: bytes.ToUpper(m.Body)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// talkByQueue is the client's part: some messages before the first answer, round trips.
func (p *process) talkByQueue(open func(name string) (mq.Queue, error)) error {
	return p.withQueues(open, func(there, back mq.Queue) error {
		ctx := context.Background()
		buf := make([]byte, 64<<10)
		take := func(sent []byte) error {
			m, err := back.Receive(ctx, buf)
			if err == nil && !bytes.Equal(m.Body, bytes.ToUpper(sent)) {
				err = fmt.Errorf("the answer to %q was %q", sent, m.Body)
			}
			return err
		}
		for _, text := range greetings {
			p.say("sends %q", text)
			if err := there.Send(ctx, mq.Outgoing{Body: []byte(text)}); err != nil {
				return err
			}
		}
		for _, text := range greetings {
			if err := take([]byte(text)); err != nil {
				return err
			}
		}
		p.say("receives %d answers, each of them whole", len(greetings))
		payload := bytes.Repeat([]byte("a"), payloadSize)
		return p.measureEach(fmt.Sprintf("%d messages, then %d x %d B, there and back", len(greetings), roundTrips, payloadSize), func() error {
			return errors.Join(there.Send(ctx, mq.Outgoing{Body: payload}), take(payload))
		})
	})
}
