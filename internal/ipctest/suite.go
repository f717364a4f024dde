package ipctest

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The bounds that every wait of the module keeps.
const (
	cancelBound = 10 * time.Millisecond
	// deathBound is what a waiter needs to find that a holder died, and what the
	// kernel needs to tell.
	deathBound  = 200 * time.Millisecond
	removeBound = time.Second
)

// ask says something to a process, which is to answer with a line.
func ask(p *Process, command, answer string) {
	p.t.Helper()
	p.Say(command)
	if got := p.Hear(); got != answer {
		p.t.Fatalf("%s answers %q to %q, want %q; stderr: %s", p.name, got, command, answer, p.stderr)
	}
}

// soon returns a context for what is to succeed without having to wait for long.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience/2)
	t.Cleanup(cancel)
	return ctx
}

// wantPromptCancel checks that a wait that is cancelled ends with the cause, most
// times within the bound. start begins a wait, which returns when it sleeps.
func wantPromptCancel(t testing.TB, start func(context.Context) <-chan error) {
	t.Helper()
	cause := errors.New("changed my mind")
	var took []time.Duration
	for range 11 {
		ctx, cancel := context.WithCancelCause(context.Background())
		ended := start(ctx)
		before := time.Now()
		cancel(cause)
		WantError(t, <-ended, cause)
		took = append(took, time.Since(before))
	}
	WantMedian(t, took, cancelBound)
}

// withDone returns a context that is done.
func withDone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// tally is a number in a file, which several processes count up in two steps.
type tally struct{ file *os.File }

func newTally(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "tally")
	if err := os.WriteFile(path, make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openTally(path string) (tally, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return tally{f}, err
}

func (n tally) read() (uint64, error) {
	var b [8]byte
	_, err := n.file.ReadAt(b[:], 0)
	return binary.LittleEndian.Uint64(b[:]), err
}

func (n tally) add() error {
	v, err := n.read()
	if err == nil {
		_, err = n.file.WriteAt(binary.LittleEndian.AppendUint64(nil, v+1), 0)
	}
	return err
}

// countInTurns counts n times in each of two goroutines, in the file at path and
// in memory. turn calls its argument while no other goroutine of any process is in
// its turn.
func countInTurns(path string, n int, turn func(func() error) error) error {
	file, err := openTally(path)
	if err != nil {
		return err
	}
	defer file.file.Close()
	memory, ended := 0, make(chan error)
	for range 2 {
		go func() {
			var err error
			for i := 0; i < n && err == nil; i++ {
				err = turn(func() error {
					memory++
					return file.add()
				})
			}
			ended <- err
		}()
	}
	if err := errors.Join(<-ended, <-ended); err != nil {
		return err
	}
	if memory != 2*n {
		err = errors.New("the turns of this process's goroutines overlapped")
	}
	return err
}

// wantTally checks the number in the file at path.
func wantTally(t testing.TB, path string, want int) {
	t.Helper()
	file, err := openTally(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.file.Close()
	if n, err := file.read(); n != uint64(want) || err != nil {
		t.Errorf("counted to %d, want %d; %v", n, want, err)
	}
}
