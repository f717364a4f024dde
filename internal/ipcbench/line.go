package ipcbench

import (
	"errors"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/release"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// line is a cache line that both processes map. Bouncing it is the least that an exchange
// takes: the one stores an odd number, the other the even one after it.
type line struct {
	mapping *mmap.Mapping
	word    *uint64
}

// overWord ends the peer's part of a window; then the peer stores leftWord.
const (
	overWord = ^uint64(0)
	leftWord = overWord - 1
)

// lineFile is the name of the line's file, and lineSize how large it is.
const (
	lineFile = "line"
	lineSize = 4096
)

// mapLine maps the file of the line, which it makes if that is missing.
func mapLine(path string) (*line, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: lineSize})
	if err != nil {
		return nil, err
	}
	word, err := mmap.View[uint64](m, 0)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &line{m, word}, nil
}

func (l *line) Close() error { return l.mapping.Close() }

// begin makes the line ready for a window.
func (l *line) begin() { atomic.StoreUint64(l.word, 0) }

// end lets the peer's part of a window return.
func (l *line) end(e *end) error {
	atomic.StoreUint64(l.word, overWord)
	return l.await(leftWord, e)
}

// await spins until the word is want. e tells when to give up.
func (l *line) await(want uint64, e *end) error {
	word := l.word
	for looks := 1; atomic.LoadUint64(word) != want; looks++ {
		if looks%lookEvery == 0 && e.stopped.Load() {
			return e.stop()
		}
	}
	return nil
}

// bounce returns the Run of the limit.
func (l *line) bounce(e *end) func(n int) error {
	return func(n int) error {
		next := atomic.LoadUint64(l.word)
		for range n {
			release.Store(l.word, next+1)
			next += 2
			if err := l.await(next, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// answer is the peer's part of a window.
func (l *line) answer() {
	word := l.word
	for next := uint64(1); ; {
		switch atomic.LoadUint64(word) {
		case next:
			release.Store(word, next+1)
			next += 2
		case overWord:
			atomic.StoreUint64(word, leftWord)
			return
		}
	}
}
