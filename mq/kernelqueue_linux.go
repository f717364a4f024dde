package mq

import (
	"context"
	"os"
)

// turn lets one goroutine of a process at a time wait in the kernel. The others wait for
// their turn, at the cost of no thread and each with its own context. It is a channel
// with room for one.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn.
func (t turn) take(ctx context.Context, closed <-chan struct{}) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-closed:
		return os.ErrClosed
	}
}

func (t turn) pass() { <-t }

// isDone reports whether a channel is closed.
func isDone(closed <-chan struct{}) bool {
	select {
	case <-closed:
		return true
	default:
		return false
	}
}

// kernelStats returns the Stats of a queue of the kernel's, which doesn't count what
// happens, nor tell what waits.
func kernelStats(messages int, bytes, capacity int64) Stats {
	return Stats{
		Messages: messages, Bytes: bytes, Capacity: -1, CapacityBytes: capacity, MaxMessage: -1,
		Sent: -1, Received: -1, Waiters: -1,
	}
}
