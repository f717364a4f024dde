package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/breezeway-ipc/breezeway"
)

// batchAnswer is the answer to an array of requests, which is sent when all are answered.
type batchAnswer struct {
	link *link

	mu      sync.Mutex
	missing int
	ids     int // bytes that the ids of the missing have at most
	size    int // bytes of parts
	parts   [][]byte
}

// batchError is how large the answer is for a call whose own doesn't fit, without its id.
const batchError = 140

// executeBatch takes an array of requests. They are executed like others, concurrently.
func (l *link) executeBatch(message []byte) error {
	var requests []json.RawMessage
	if err := json.Unmarshal(message, &requests); err != nil {
		return malformed("invalid JSON: %s", err)
	}
	switch {
	case len(requests) > maxBatch:
		return fmt.Errorf("a batch has %d requests, more than %d (%w)", len(requests), maxBatch, breezeway.ErrTooLarge)
	case len(requests) == 0:
		l.count()
		l.respond("", nil, Errorf(CodeInvalidRequest, "a batch has no request"), nil)
		return nil
	}
	l.count() // the link must not drain before all are answered
	b := &batchAnswer{link: l, missing: len(requests), ids: min(len(message), len(requests)*maxID)}
	for _, r := range requests {
		if f, _ := classify(r); f == response {
			return malformed("a batch has an answer, and nothing was asked in a batch")
		}
		if err := l.executeMessage(r, b); err != nil {
			return err
		}
	}
	return nil
}

// add adds the answer to the call with an id, or nil for a notification. One that leaves no
// room for errors for the others is replaced by one. The last one sends them all, if there
// are any. Without a batch it does nothing.
func (b *batchAnswer) add(id string, part []byte) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missing--
	if limit := b.link.cfg.MaxMessage; part != nil {
		if len(part) > batchError && b.size+len(part)+b.missing*batchError+b.ids > limit {
			part = b.link.encodeAnswer(id, nil, Errorf(CodeTooLarge, "the answers of the batch exceed %d bytes", limit))
		}
		if b.size += len(part) + 2; b.size <= limit {
			b.parts = append(b.parts, part)
		}
	}
	if b.missing == 0 {
		b.send()
		b.link.finished(1)
	}
}

// send sends the answers, or one error if not even errors fit.
func (b *batchAnswer) send() {
	text := fmt.Appendf(nil, "[%s]", bytes.Join(b.parts, []byte{','}))
	switch {
	case b.size == 0:
		return
	case b.size > b.link.cfg.MaxMessage:
		text = b.link.encodeAnswer("", nil, Errorf(CodeTooLarge, "a batch has too many requests"))
	}
	b.link.refuse(text)
}
