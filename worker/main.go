package worker

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// mainCalled says that Main was called, without which Start would start processes that
// don't know what they are.
var mainCalled atomic.Bool

// inWorker says that this process is a worker.
var inWorker atomic.Bool

// Main makes this process serve its pool if [Start] has started it as a worker, and ends
// it then; otherwise it returns at once. Call it as the first line of main, before flags
// are parsed or anything is opened, and of TestMain if tests start pools.
//
// A worker ignores the interrupt signal, which Ctrl-C sends to all processes of a
// terminal: its parent decides when it ends.
func Main() {
	mainCalled.Store(true)
	image()
	sp, ok, err := takeSpec()
	if !ok {
		return
	}
	var l link
	if err == nil {
		l, err = inheritLink(&sp)
	}
	if err == nil {
		err = sp.Limits.apply()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	inWorker.Store(true)
	useBuffersOf(sp.Parent)
	signal.Ignore(os.Interrupt)
	s := &server{link: l, in: frames{r: l.data}, ended: make(chan int)}
	go s.obey()
	go s.serve()
	os.Exit(<-s.ended)
}

// checkMain says why this process can't start workers.
func checkMain() error {
	if _, ok := os.LookupEnv(specVariable); ok || inWorker.Load() {
		return errInWorker
	}
	if !mainCalled.Load() {
		return errNoMain
	}
	return nil
}

var (
	errInWorker = fail.Errorf("this process is a worker itself, which can't start others; call %s as the first line of main, so that a worker doesn't come here (%w)", fail.Go("worker.Main"), os.ErrInvalid)
	errNoMain   = fail.Errorf("%s was not called; call it as the first line of main, and of TestMain in tests (%w)", fail.Go("worker.Main"), os.ErrInvalid)
)
