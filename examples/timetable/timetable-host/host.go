package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
)

const (
	storeTime = 10 * time.Second // for the store to answer, a restart included
	mostCalls = 16               // at a time; the next question waits
)

// question is what the extension asks.
type question struct {
	ID    json.Number `json:"id"` // comes back with the answer
	Do    string      `json:"do"` // put, delete or between
	Event event.Event `json:"event"`
	From  time.Time   `json:"from"`
	To    time.Time   `json:"to"`
}

// answer is what it is told: the result, or Problems, or Error; State comes unasked.
type answer struct {
	ID       json.Number    `json:"id,omitempty"`
	Event    *event.Event   `json:"event,omitempty"`
	Page     *store.Page    `json:"page,omitempty"`
	Problems event.Problems `json:"problems,omitempty"`
	Error    string         `json:"error,omitempty"`
	Again    bool           `json:"again,omitempty"` // the store did not answer in time; ask again
	State    *store.State   `json:"state,omitempty"`
}

// host answers a browser's questions from a store.
type host struct {
	keeper *store.Keeper

	mu  sync.Mutex // held while a message is written
	out io.Writer
	err error // of the first write that failed
}

func newHost(k *store.Keeper, out io.Writer) *host { return &host{keeper: k, out: out} }

// serve answers what it reads until the end of the input, and then finishes what it was
// asked.
func (h *host) serve(ctx context.Context, in io.Reader) error {
	ctx, stop := context.WithCancel(ctx)
	var telling, calls sync.WaitGroup
	telling.Go(func() { h.tellState(ctx) })
	defer telling.Wait()
	defer stop()
	defer calls.Wait()

	free := make(chan struct{}, mostCalls)
	for {
		message, err := readMessage(in)
		switch {
		case errors.Is(err, io.EOF):
			return h.failure()
		case errors.Is(err, errTooLarge):
			h.say(answer{Error: err.Error()})
			continue
		case err != nil:
			return err
		}
		free <- struct{}{}
		calls.Go(func() {
			defer func() { <-free }()
			h.say(h.answer(ctx, message))
		})
	}
}

// answer asks the store.
func (h *host) answer(ctx context.Context, message []byte) answer {
	var q question
	if err := json.Unmarshal(message, &q); err != nil {
		return answer{Error: "this is no question: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	a, err := h.ask(ctx, q)
	var problems event.Problems
	switch {
	case err == nil:
	case errors.As(err, &problems):
		a = answer{Problems: problems}
	case ctx.Err() != nil:
		a = answer{Error: "the store does not answer", Again: true}
	default:
		a = answer{Error: err.Error()}
	}
	a.ID = q.ID
	return a
}

func (h *host) ask(ctx context.Context, q question) (answer, error) {
	switch q.Do {
	case "put":
		if _, err := q.Event.Check(); err != nil {
			return answer{}, err // without the store, which may be away
		}
		e, err := h.keeper.Put(ctx, q.Event)
		return answer{Event: &e}, err
	case "delete":
		return answer{}, h.keeper.Delete(ctx, q.Event.ID)
	case "between":
		page, err := h.keeper.Between(ctx, q.From, q.To)
		return answer{Page: &page}, err
	}
	return answer{}, fmt.Errorf("%q can't be done; put, delete and between can", q.Do)
}

// tellState tells the browser how the store is, at once and whenever that changes.
func (h *host) tellState(ctx context.Context) {
	for {
		state, changed := h.keeper.State()
		h.say(answer{State: &state})
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// say sends the browser a message.
func (h *host) say(a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return
	}
	h.err = writeMessage(h.out, a)
	if errors.Is(h.err, errAnswerTooLarge) {
		h.err = writeMessage(h.out, answer{ID: a.ID, Error: errAnswerTooLarge.Error()})
	}
}

func (h *host) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
