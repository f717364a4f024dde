package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/worker"
)

// browser is the process of the window: it has the tabs' pictures, and draws none.
type browser struct {
	pool            *worker.Pool
	dir             string // of the pages; "" for those that are built in
	every, patience time.Duration
	out             io.Writer
	plain           bool          // without colours
	change          chan struct{} // holds an element if something is to be shown

	ctx     context.Context
	running sync.WaitGroup

	mu     sync.Mutex
	tabs   []*tab
	opened int // how many were
}

// changed makes the screen show the tabs again. It waits for nothing.
func (b *browser) changed() {
	select {
	case b.change <- struct{}{}:
	default:
	}
}

// open opens a tab.
func (b *browser) open(page string) *tab {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	t := &tab{browser: b, number: b.opened, page: page, title: page,
		shown: newPicture(), reload: func(error) {}, done: make(chan struct{})}
	var ctx context.Context
	ctx, t.close = context.WithCancel(b.ctx)
	b.tabs = append(b.tabs, t)
	b.running.Go(func() { t.run(ctx) })
	return t
}

// closeTab closes a tab, and waits until its process has ended.
func (b *browser) closeTab(t *tab) {
	b.mu.Lock()
	b.tabs = slices.DeleteFunc(b.tabs, func(other *tab) bool { return other == t })
	b.mu.Unlock()
	t.close()
	<-t.done
	b.changed()
}

// tab returns the one with that number.
func (b *browser) tab(number int) (*tab, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tabs {
		if t.number == number {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no tab %d", number)
}

// all returns the tabs.
func (b *browser) all() []*tab {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.tabs)
}

// shown returns what is above each tab, and the pictures side by side.
func (b *browser) shown() (headings []string, picture *image.RGBA) {
	var pictures []*image.RGBA
	for _, t := range b.all() {
		t.mu.Lock()
		headings = append(headings, t.heading())
		p := newPicture()
		copy(p.Pix, t.shown.Pix)
		pictures = append(pictures, p)
		t.mu.Unlock()
	}
	return headings, sideBySide(pictures)
}

// drawn reports whether every tab has drawn so many frames, or says "Aw".
func (b *browser) drawn(frames int) bool {
	return !slices.ContainsFunc(b.all(), func(t *tab) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.frames < frames && t.dead == ""
	})
}

// unloaded says which pages could not be loaded.
func (b *browser) unloaded() error {
	var errs []error
	for _, t := range b.all() {
		t.mu.Lock()
		if t.unloaded != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.key(), t.unloaded))
		}
		t.mu.Unlock()
	}
	return errors.Join(errs...)
}

// save has the disk write what is shown to a PNG file.
func (b *browser) save(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	_, picture := b.shown()
	data, err := encodePNG(picture)
	if err != nil {
		return err
	}
	// Not b.ctx, or a PNG could not be the last thing that is done.
	_, err = patiently(context.WithoutCancel(b.ctx), b.patience, savePNG, b.pool, file{path, data})
	return err
}
