package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// The pauses before a store is started again. They begin anew when one has lived for
// settled.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
	settled    = 100 * time.Millisecond
)

// Phase says how the store is.
type Phase string

const (
	Starting Phase = "starting" // it was not there yet
	Running  Phase = "running"
	Stopped  Phase = "stopped" // it ended, and is being started again
	Hanging  Phase = "hanging" // it runs, and doesn't answer: it is ended if it goes on so
	Failing  Phase = "failing" // it ended before it could serve; it is tried again and again
)

// State is what a [Keeper] knows of the store.
type State struct {
	Phase   Phase  `json:"phase"`
	PID     int    `json:"pid"`     // of the store that runs, or ran last
	Starts  int    `json:"starts"`  // how often this keeper found one running
	Changes int    `json:"changes"` // grows with every change of the events, whichever process asked for it
	Reason  string `json:"reason"`  // why it stopped or fails
}

// Keeper calls the store of a file, and keeps one running. The process that it starts is
// this program with [Command] as its first argument. If another keeper's store serves the
// file already, in this process or another, it calls that one.
//
// Its methods may be called concurrently.
type Keeper struct {
	file   string
	url    string
	log    *slog.Logger
	cancel context.CancelFunc
	kept   chan struct{} // closed when keep has returned

	connected chan struct{} // closed when there is a client
	client    *rpc.Client

	mu      sync.Mutex
	process *os.Process // that serves the present connection; nil if it can't be told
	state   State
	changed chan struct{} // closed when state changes
}

// Keep starts to keep a store of a file running. It makes the file's directory.
func Keep(file string, log *slog.Logger) (*Keeper, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	url, err := URL(file)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keeper{
		file: file, url: url, log: log, cancel: cancel,
		kept:      make(chan struct{}),
		connected: make(chan struct{}),
		state:     State{Phase: Starting},
		changed:   make(chan struct{}),
	}
	go k.keep(ctx)
	return k, nil
}

// URL returns the named pipe of the store.
func (k *Keeper) URL() string { return k.url }

// Close ends the store, if this keeper started it, and waits until it has ended.
func (k *Keeper) Close() error {
	k.cancel()
	<-k.kept
	return nil
}

// State returns how the store is, and a channel that is closed when that changes.
func (k *Keeper) State() (State, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state, k.changed
}

func (k *Keeper) update(f func(*State)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f(&k.state)
	close(k.changed)
	k.changed = make(chan struct{})
}

// keep starts a store whenever none is there.
func (k *Keeper) keep(ctx context.Context) {
	defer close(k.kept)
	defer func() {
		if k.client != nil {
			k.client.Close()
		}
		k.serves(0)
	}()
	var own *child
	defer func() { own.end() }()
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
		began := time.Now()
		if !own.lives() {
			var err error
			if own, err = startChild(ctx, k.file); err != nil {
				k.fail(ctx, err)
				sleep(ctx, pause)
				continue
			}
		}
		err := k.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		k.stopped(own, err)
		if time.Since(began) > settled {
			pause = firstPause
			continue // at once
		}
		sleep(ctx, pause)
	}
}

// follow watches the store until it is lost, or is ended since it hangs.
func (k *Keeper) follow(ctx context.Context) error {
	if k.client == nil {
		client, err := rpc.Dial(ctx, k.dial, nil)
		if err != nil {
			return err
		}
		k.client = client
		close(k.connected)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	hung := make(chan error, 1)
	go func() {
		hung <- k.guard(watching)
		stop()
	}()
	err := k.watch(watching)
	stop()
	if why := <-hung; why != nil {
		return why
	}
	return err
}

// watch tells of each change until the store is lost.
func (k *Keeper) watch(ctx context.Context) error {
	running := false
	for change, err := range rpc.Stream[Change](ctx, k.client.Object(Object), "Watch") {
		if err != nil {
			return err
		}
		k.update(func(s *State) {
			if !running {
				s.Starts++
			}
			s.Phase, s.PID, s.Reason = Running, change.PID, ""
			s.Changes++
		})
		running = true
	}
	return errors.New("it has ended")
}

// stopped notes why a store that ran runs no more.
func (k *Keeper) stopped(own *child, err error) {
	reason := own.reason()
	if reason == "" || errors.Is(err, errHung) {
		reason = err.Error()
	}
	k.update(func(s *State) {
		if s.Phase == Running || s.Phase == Hanging {
			s.Phase = Stopped
		}
		s.Reason = reason
	})
	k.log.Warn("the store stopped and is being started again", "reason", reason)
}

// fail notes why a store can't be started.
func (k *Keeper) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	k.update(func(s *State) { s.Phase, s.Reason = Failing, err.Error() })
	k.log.Error("the store can't be started", "reason", err)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// Put adds or replaces an event. If the store ends meanwhile the next one is asked: the id
// makes sure that the event is there once. It fails with [event.Problems], or when ctx ends.
func (k *Keeper) Put(ctx context.Context, e event.Event) (event.Event, error) {
	return call[event.Event](ctx, k, "Put", e)
}

// Delete removes an event; if the store ends meanwhile, the next one does.
func (k *Keeper) Delete(ctx context.Context, id string) error {
	_, err := call[any](ctx, k, "Delete", id)
	return err
}

// Between returns the events of which a part lies between two instants.
func (k *Keeper) Between(ctx context.Context, from, to time.Time) (Page, error) {
	return call[Page](ctx, k, "Between", from, to)
}

// call calls a method of the store, again if the store ends before it answers.
func call[Reply any](ctx context.Context, k *Keeper, method string, args ...any) (Reply, error) {
	var none Reply
	select {
	case <-k.connected:
	case <-ctx.Done():
		state, _ := k.State()
		return none, fmt.Errorf("the store is not there yet (%s): %w", state.Reason, context.Cause(ctx))
	}
	reply, err := rpc.Call[Reply](ctx, k.client.Object(Object).Idempotent(), method, args...)
	if err != nil {
		return none, asProblems(err)
	}
	return reply, nil
}

// asProblems undoes what answer did.
func asProblems(err error) error {
	var answered *rpc.Error
	switch {
	case !errors.As(err, &answered):
		return err
	case answered.Code == rpc.CodeFailed || answered.Code == rpc.CodeInternal:
		return errors.New(answered.Message) // for a person to read
	case answered.Code != codeProblems:
		return err
	}
	var problems event.Problems
	if json.Unmarshal(answered.Data, &problems) != nil || len(problems) == 0 {
		return err
	}
	return problems
}
