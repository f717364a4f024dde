package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/worker"
)

// The causes that end what a tab does.
var (
	errHangs  = errors.New("hangs")
	errReload = errors.New("is loaded again")
)

// tab is a page, and the process that draws it. When that dies or hangs the tab says
// "Aw" until it is loaded again; no other tab notices.
type tab struct {
	browser *browser
	number  int
	page    string
	close   context.CancelFunc
	done    chan struct{} // closed when its process has ended

	mu      sync.Mutex
	reload  context.CancelCauseFunc
	loading bool // has drawn nothing yet
	title   string
	shown   *image.RGBA // the last picture that was complete
	frames  int         // how many were
	dead    string      // why it says "Aw"; "" while it lives
	// unloaded is that, if the page was at fault before its process had drawn anything.
	unloaded error
	fault    fault // what goes wrong with the next frame
}

// key names the tab's process in the pool.
func (t *tab) key() string { return fmt.Sprintf("tab %d", t.number) }

// run keeps the tab until ctx ends.
func (t *tab) run(ctx context.Context) {
	defer close(t.done)
	for ctx.Err() == nil {
		loading := t.load(ctx)
		err := t.live(loading)
		if ctx.Err() == nil && context.Cause(loading) != errReload {
			t.die(err)
			<-loading.Done()
		}
	}
}

// load begins to load the page; the context ends when that is to be done again.
func (t *tab) load(ctx context.Context) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, t.reload = context.WithCancelCause(ctx)
	t.loading, t.title, t.dead, t.unloaded, t.fault, t.shown = true, t.page, "", nil, noFault, newPicture()
	return ctx
}

// live draws frame after frame, by a process of its own, until that dies or hangs.
func (t *tab) live(ctx context.Context) error {
	b := t.browser
	text, err := patiently(ctx, b.patience, loadPage, b.pool, pageName{b.dir, t.page})
	if err != nil {
		return err
	}
	key := b.pool.Key(t.key())
	defer key.Close()
	title, err := patiently(ctx, b.patience, navigate, key, text)
	if err != nil {
		return err
	}
	memory, err := b.pool.Buffer(pictureSize)
	if err != nil {
		return err
	}
	defer memory.Close()
	picture, err := pictureIn(memory.Bytes())
	if err != nil {
		return err
	}
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		if _, err := patiently(ctx, b.patience, drawTab, key, frame{n, memory, t.nextFault()}); err != nil {
			return err
		}
		t.show(title, picture)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// patiently calls a function and gives it up after a time; the pool kills its process
// then.
func patiently[In, Out any](ctx context.Context, patience time.Duration, f *worker.Func[In, Out], on worker.Target, in In) (Out, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errHangs)
	defer cancel()
	return f.Call(ctx, on, in)
}

// show keeps a copy of a picture: the process draws the next one into the same memory.
func (t *tab) show(title string, picture *image.RGBA) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.title, t.loading = title, false
	copy(t.shown.Pix, picture.Pix)
	for i := 3; i < len(t.shown.Pix); i += 4 {
		t.shown.Pix[i] = 255 // nothing shines through, whatever the process has written
	}
	t.frames++
	t.browser.changed()
}

// die makes the tab say "Aw".
func (t *tab) die(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var crash *worker.Crash
	switch {
	case errors.As(err, &crash):
		t.dead = fmt.Sprintf("crashed (%v)", crash.State)
	case errors.Is(err, errHangs):
		t.dead = errHangs.Error()
	default:
		t.dead = err.Error()
		t.unloaded = err
	}
	t.shown = awPicture()
	t.browser.changed()
}

// cause makes something go wrong with the next frame.
func (t *tab) cause(f fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = f
}

func (t *tab) nextFault() fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fault
	t.fault = noFault
	return f
}

// again loads the page again, with a fresh process.
func (t *tab) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reload(errReload)
}

// heading is what stands above the picture.
func (t *tab) heading() string {
	if t.dead != "" {
		return fmt.Sprintf("%d: Aw, %s %s", t.number, t.page, t.dead)
	}
	return fmt.Sprintf("%d: %s", t.number, t.title)
}
