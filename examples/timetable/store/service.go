package store

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// Object is the name of the remote object.
const Object = "Timetable"

// codeProblems is the code of an answer whose data are [event.Problems].
const codeProblems = 1

// Service is the remote object: what other processes may do with the file.
type Service struct {
	store   *Store
	closing context.Context // ends when the process is to end

	mu      sync.Mutex
	count   int
	changed chan struct{} // closed when count is counted up
}

func newService(s *Store, closing context.Context) *Service {
	return &Service{store: s, closing: closing, changed: make(chan struct{})}
}

// Put adds or replaces an event; see [Store.Put].
func (s *Service) Put(e event.Event) (event.Event, error) {
	e, err := s.store.Put(e)
	if err != nil {
		return e, answer(err)
	}
	s.change()
	return e, nil
}

// Delete removes an event; see [Store.Delete].
func (s *Service) Delete(id string) error {
	if err := s.store.Delete(id); err != nil {
		return err
	}
	s.change()
	return nil
}

// Between returns events; see [Store.Between].
func (s *Service) Between(from, to time.Time) (Page, error) { return s.store.Between(from, to) }

// Alive does nothing: a process that answers does not hang.
func (s *Service) Alive() {}

// Change is what Watch tells.
type Change struct {
	PID   int `json:"pid"`   // of the process that has the file open
	Count int `json:"count"` // of changes that it has made
}

// Watch tells at once, and after every change, until the process ends: several changes may
// be told of as one.
func (s *Service) Watch(ctx context.Context) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for {
			count, changed := s.changes()
			if !yield(Change{os.Getpid(), count}) {
				return
			}
			select {
			case <-changed:
			case <-s.closing.Done():
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *Service) changes() (count int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, s.changed
}

func (s *Service) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	close(s.changed)
	s.changed = make(chan struct{})
}

// answer makes an error travel so that asProblems finds it again.
func answer(err error) error {
	var problems event.Problems
	if !errors.As(err, &problems) {
		return err
	}
	e := rpc.Errorf(codeProblems, "%s", problems)
	e.Data = problems.JSON()
	return e
}
