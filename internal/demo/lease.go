package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breezeway-ipc/breezeway/mq"
)

// leasedMessage is a message whose receiver, the server, is killed by the client, its
// parent, before it has acknowledged it.
var leasedMessage = demo{
	mechanism: "leased message",
	missing:   linuxAndWindows("message queues"),
	parental:  true,
	remove:    func(name string) { mq.Remove(leaseName(name), nil) },
	server: func(p *process) error {
		return underParent(func() error {
			q, err := mq.Open(leaseName(p.name()), nil)
			if err != nil {
				return err
			}
			d, err := q.Lease(context.Background(), nil)
			if err != nil {
				return err
			}
			p.say("leases %q, and begins to work", d.Body)
			return nil
		})
	},
	client: func(p *process) error {
		q, err := mq.Create(leaseName(p.name()), nil)
		if err != nil {
			return err
		}
		defer q.Close()
		ctx := context.Background()
		if err := q.Send(ctx, mq.Outgoing{Body: []byte("paint the fence")}); err != nil {
			return err
		}
		p.say("creates a queue, and sends %q", "paint the fence")
		if err := p.killWorker(q); err != nil {
			return err
		}
		if err := p.takeOver(ctx, q); err != nil {
			return err
		}
		payload, buf := make([]byte, payloadSize), make([]byte, payloadSize)
		return p.measureEach(fmt.Sprintf("a dead receiver's message, then %d x send, lease, acknowledge", roundTrips), func() error {
			if err := q.Send(ctx, mq.Outgoing{Body: payload}); err != nil {
				return err
			}
			d, err := q.Lease(ctx, buf)
			if err != nil {
				return err
			}
			return d.Ack(ctx)
		})
	},
}

// leaseName returns the name of the queue of a run that has the name.
func leaseName(name string) string { return name + "-lease" }

// killWorker starts a process that leases the message in q, and kills it.
func (p *process) killWorker(q *mq.LocalQueue) error {
	return p.withChild(true, func(pid int) error {
		_, free, err := q.TryLease(nil)
		if err != nil || free {
			return errors.Join(err, errors.New("the message that the child has leased is there"))
		}
		p.say("finds the queue empty, and kills process %d", pid)
		return nil
	})
}

// takeOver leases the message that the killed process had.
func (p *process) takeOver(ctx context.Context, q *mq.LocalQueue) error {
	began := time.Now()
	d, err := q.Lease(ctx, nil)
	if err != nil {
		return err
	}
	p.say("gets %q after %v, as delivery %d: its first receiver died", d.Body, time.Since(began).Round(time.Microsecond), d.Deliveries)
	if !d.Redelivered() {
		return errors.New("the message isn't marked as redelivered")
	}
	return d.Ack(ctx)
}
