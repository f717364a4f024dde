package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progressEvery is how often the line changes.
const progressEvery = 100 * time.Millisecond

// progressLine is a line on a terminal that says how far the work is. Anywhere else it
// says nothing.
type progressLine struct {
	out   io.Writer // nil: says nothing
	last  time.Time
	width int // of what it shows
}

func newProgressLine(out io.Writer) *progressLine {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progressLine{out: out}
	}
	return new(progressLine)
}

func (p *progressLine) show(what string, done, all uint64) {
	if p.out == nil || time.Since(p.last) < progressEvery {
		return
	}
	p.say(fmt.Sprintf("%s: %d of %d (%d %%)", what, done, all, uint64(100*float64(done)/float64(all))))
}

// say shows what can't be counted.
func (p *progressLine) say(what string) {
	if p.out != nil {
		p.last = time.Now()
		fmt.Fprintf(p.out, "\r%-*s", p.width, what) // covers what was there
		p.width = len(what)
	}
}

// follow shows what read returns from time to time, until stop is called.
func (p *progressLine) follow(ctx context.Context, what string, all uint64, read func(context.Context) (uint64, error)) (stop func()) {
	if p.out == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if done, err := read(ctx); err == nil {
				p.show(what, done, all)
			}
		}
	})
	return func() {
		cancel()
		following.Wait()
	}
}

// clear removes the line.
func (p *progressLine) clear() {
	if p.width > 0 {
		p.say("")
		fmt.Fprint(p.out, "\r")
	}
}
