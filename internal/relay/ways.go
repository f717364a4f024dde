package relay

import (
	"context"
	"sync"
	"time"
)

// ways are the directions between a pair of ends, of which an end that has closed leaves
// one that may still bring something.
type ways struct {
	cancel context.CancelCauseFunc
	dry    [2]chan struct{} // closed when nothing more comes in this direction

	mu    sync.Mutex
	lost  [2]bool // the end has closed from which this direction comes
	ended [2]bool
	timer *time.Timer
}

// linger is how long an end that still sends may take to learn that the other one has
// closed.
const linger = 5 * time.Second

func newWays(cancel context.CancelCauseFunc) *ways {
	return &ways{cancel: cancel, dry: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
}

func other(d Direction) Direction { return 1 - d }

// lose notes that the end has closed from which a direction comes. What it sent before is
// passed on.
func (w *ways) lose(d Direction) { w.note(&w.lost[d]) }

// end notes that nothing more comes in a direction.
func (w *ways) end(d Direction) { w.note(&w.ended[d]) }

// note ends the pair in a while once all has been passed on that an end sent which has
// closed.
func (w *ways) note(what *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*what = true
	for d := range w.lost {
		if w.lost[d] && w.ended[d] && w.timer == nil {
			w.timer = time.AfterFunc(linger, func() { w.cancel(errFinished) })
		}
	}
}

func (w *ways) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}
