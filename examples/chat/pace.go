package main

import (
	"context"
	"time"
)

// A member may say saidAtOnce lines at once, and then one every sayPause. What it says
// faster waits in its pipe: else a member that sends a file would have the others put out,
// which can't read that fast.
const (
	saidAtOnce = 100
	sayPause   = 2 * time.Millisecond
)

// pace is how far a member is ahead of that.
type pace struct{ next time.Time }

// wait is called for each line, and returns when the next one may come, or ctx ends.
func (p *pace) wait(ctx context.Context) {
	now := time.Now()
	if earliest := now.Add(-saidAtOnce * sayPause); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(sayPause)
	if ahead := p.next.Sub(now); ahead > 0 {
		select {
		case <-time.After(ahead):
		case <-ctx.Done():
		}
	}
}
