package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// Map calls f for each input and yields the results in the order of the inputs. All workers
// of on work at the same time. An error of a call is yielded in the place of its result,
// and the next ones follow; when ctx ends, or on is closed, one error is yielded and the
// iteration ends.
//
// inputs is read ahead, in a goroutine of its own, by two batches for each worker. Inputs
// of functions that are not idempotent (see [Func.Idempotent]) go one by one. Those of
// idempotent ones go in batches as long as a batch takes less than half a millisecond; if a
// worker dies with one, or takes longer than [Config.Timeout], its inputs are tried again
// one by one; but if on is a [Key], the first of them gets the [*Crash], since what the
// process kept is lost. A batch that is not full is sent when a worker waits for it.
//
// If the loop over the results ends early, the calls under way are cancelled, and Map waits
// until their functions have returned, or were killed after [Config.Grace], and until inputs
// yields its next value or returns: it can't be interrupted from outside. No input is read
// before the loop begins.
func (f *Func[In, Out]) Map(ctx context.Context, on Target, inputs iter.Seq[In]) iter.Seq2[Out, error] {
	return f.mapped(ctx, on, inputs, true)
}

// MapUnordered is [Func.Map] that yields results as they come.
func (f *Func[In, Out]) MapUnordered(ctx context.Context, on Target, inputs iter.Seq[In]) iter.Seq2[Out, error] {
	return f.mapped(ctx, on, inputs, false)
}

func (f *Func[In, Out]) mapped(ctx context.Context, on Target, inputs iter.Seq[In], ordered bool) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		if f == nil || f.run == nil || f.err != nil || on == nil || on.lanes() == 0 {
			var none Out
			yield(none, f.unusable(on))
			return
		}
		m := newMapping(ctx, f, on, ordered)
		defer m.stop()
		m.run(inputs)
		m.yieldAll(yield)
	}
}

// mapping is a Map under way. One goroutine reads the inputs, one for each worker calls,
// and the caller's takes the results.
type mapping[In, Out any] struct {
	f       *Func[In, Out]
	on      Target
	ctx     context.Context
	cancel  context.CancelCauseFunc
	ordered bool

	feed    feed[In, Out]
	work    chan *batch[In, Out] // to be called
	results chan *batch[In, Out] // in the order of the inputs, or of their completion
	slots   chan *batch[In, Out] // free ones: as many batches as there may be
	begun   chan struct{}        // holds one element if a batch has its first input
	target  atomic.Int64         // how many inputs make a batch
	arena   *arena               // for large batches, or nil; the reader's of inputs
	tried   bool                 // to make the arena
	cut     bool                 // ctx ended before inputs; set before work is closed

	running sync.WaitGroup // the reader of inputs, and
	calling sync.WaitGroup // those that call
}

const (
	// batchesEach is how many batches there may be for each worker: one that is called, one
	// that is ready, and with the other workers' some that are yielded.
	batchesEach = 3
	// longBatch is how long a batch may take before batches grow no more.
	longBatch = 500 * time.Microsecond
	// mostBatch and mostBatchBytes bound a batch: in inputs, and in bytes of plain ones,
	// so that two of them fit into the connection.
	mostBatch      = 16 << 10
	mostBatchBytes = 128 << 10
	// partialPatience is how long a worker that has nothing to do waits for a batch to
	// be filled.
	partialPatience = 200 * time.Microsecond
)

func newMapping[In, Out any](ctx context.Context, f *Func[In, Out], on Target, ordered bool) *mapping[In, Out] {
	lanes := on.lanes()
	n := lanes * batchesEach
	m := &mapping[In, Out]{
		f: f, on: on, ordered: ordered,
		work: make(chan *batch[In, Out], n), results: make(chan *batch[In, Out], n), slots: make(chan *batch[In, Out], n),
		begun: make(chan struct{}, 1),
	}
	m.ctx, m.cancel = context.WithCancelCause(ctx)
	m.target.Store(1)
	for i := range n {
		m.slots <- &batch[In, Out]{index: i, done: make(chan struct{}, 1)}
	}
	return m
}

// run starts the goroutines.
func (m *mapping[In, Out]) run(inputs iter.Seq[In]) {
	m.running.Go(func() {
		defer close(m.work)
		if m.ordered {
			defer close(m.results)
		}
		m.read(inputs)
	})
	for range m.on.lanes() {
		m.calling.Go(m.callAll)
	}
	if !m.ordered {
		m.running.Go(func() {
			m.calling.Wait()
			close(m.results)
		})
	}
}

// stop ends what is under way and waits for it.
func (m *mapping[In, Out]) stop() {
	m.cancel(nil)
	m.feed.interrupt()
	m.running.Wait()
	m.calling.Wait()
	if m.arena != nil {
		m.on.owner().giveArena(m.arena)
	}
}

// yieldAll yields the results until yield wants no more.
func (m *mapping[In, Out]) yieldAll(yield func(Out, error) bool) {
	for b := range m.results {
		if m.ordered {
			<-b.done
		}
		if !b.yield(yield) {
			return
		}
		b.reset(m.f.in.image, m.f.out.image)
		m.slots <- b
	}
	var none Out
	if m.cut {
		yield(none, m.f.fail(context.Cause(m.ctx)))
	}
}

// callAll calls batches until there are no more.
func (m *mapping[In, Out]) callAll() {
	on := &queue{Target: m.on}
	for {
		b := m.next()
		if b == nil {
			return
		}
		start := time.Now()
		on.waited = 0
		m.f.callBatchOf(m.ctx, on, b)
		m.adjust(b, time.Since(start)-on.waited)
		if m.ordered {
			b.done <- struct{}{}
		} else {
			m.results <- b
		}
	}
}

// queue is a Target that notes how long calls have waited for a process: that says nothing
// of how long a batch takes.
type queue struct {
	Target
	waited time.Duration
}

func (q *queue) acquire(ctx context.Context, calls int, again bool) (*process, error) {
	start := time.Now()
	p, err := q.Target.acquire(ctx, calls, again)
	q.waited += time.Since(start)
	return p, err
}

// next waits for a batch, and returns nil after the last one. It takes one that is not
// full if that isn't filled soon.
func (m *mapping[In, Out]) next() *batch[In, Out] {
	for {
		select {
		case b := <-m.work:
			return b
		default:
		}
		select {
		case b := <-m.work:
			return b
		case <-m.begun:
		}
		select {
		case b := <-m.work:
			m.tellBegun() // another one looks after that which was begun
			return b
		case <-time.After(partialPatience):
		}
		switch b, again := m.feed.steal(m.sent); {
		case b != nil:
			m.target.Store(1) // inputs come slowly
			return b
		case again:
			m.tellBegun()
		}
	}
}

// adjust has batches grow while they are called quickly, if inputs come quickly too.
func (m *mapping[In, Out]) adjust(b *batch[In, Out], took time.Duration) {
	n := int64(len(b.ins))
	if !m.f.idempotent || n < m.target.Load() {
		return
	}
	most := int64(mostOf(m.f.in.size, m.f.out.size))
	switch {
	case took < longBatch/8:
		m.target.CompareAndSwap(n, min(4*n, most))
	case took < longBatch/2:
		m.target.CompareAndSwap(n, min(2*n, most))
	case took > 2*longBatch:
		m.target.CompareAndSwap(n, max(1, n/2))
	}
}

// mostOf returns how many inputs a batch may have, if they and their results have so many
// bytes; those that are not plain count as 0.
func mostOf(in, out int) int {
	if size := max(in, out); size > 0 {
		return max(1, min(mostBatch, mostBatchBytes/size))
	}
	return mostBatch
}

// sent notes that a batch, of which the reader of inputs or a worker's goroutine says that
// it is complete, comes next.
func (m *mapping[In, Out]) sent(b *batch[In, Out]) {
	if m.ordered {
		m.results <- b // there is room for all batches
	}
}

// read reads inputs into batches.
func (m *mapping[In, Out]) read(inputs iter.Seq[In]) {
	m.cut = m.ctx.Err() != nil
	if m.cut {
		return
	}
	stop := context.AfterFunc(m.ctx, m.feed.interrupt)
	defer stop()
	ended := false
	defer func() {
		m.feed.interrupt() // inputs may call what it was given later, too
		if !ended {
			m.cut = true
			m.cancel(errNoInputs)
			m.feed.settle()
		}
	}()
	f, plain := &m.feed, !raceEnabled && (barrier.Reached() || !release.InOrder)
	inputs(func(in In) bool { // each instruction counts: a range statement would add some
		n := f.filled
		if n >= uint64(len(f.room)) {
			if n = 0; !m.begin() {
				return false
			}
		}
		f.room[n] = in
		n++
		if plain {
			release.Store(&f.filled, n)
		} else {
			atomic.StoreUint64(&f.filled, n)
		}
		if f.state.Load() != feedQuiet {
			return m.settle(in)
		}
		if n == uint64(len(f.room)) {
			m.send()
		}
		return true
	})
	if ended = true; m.cut {
		return
	}
	if f.filled > 0 {
		m.send()
	}
}

var errNoInputs = fmt.Errorf("the inputs called runtime.Goexit and were not all read (%w)", os.ErrInvalid)

// settle goes on after an input, if the batch that it was added to was stolen meanwhile.
func (m *mapping[In, Out]) settle(in In) bool {
	f := &m.feed
	left, stopped := f.settle()
	if stopped {
		m.cut = true
		return false
	}
	if left {
		if !m.begin() {
			return false
		}
		f.room[0] = in
		atomic.StoreUint64(&f.filled, 1)
	}
	if f.filled > 0 && f.filled == uint64(len(f.room)) {
		m.send()
	}
	return true
}

// begin waits for a batch that is not in use, to be filled. It reports false if the
// mapping ends before.
func (m *mapping[In, Out]) begin() bool {
	if m.feed.state.Load() == feedStopped {
		m.cut = true
		return false
	}
	var b *batch[In, Out]
	select {
	case b = <-m.slots:
	case <-m.ctx.Done():
		m.cut = true
		return false
	}
	target := int(m.target.Load())
	if target >= sharedFrom {
		m.share(b)
	}
	if b.arena != nil {
		target = min(target, b.arena.each)
	}
	if cap(b.room) < target {
		b.room = make([]In, target)
	}
	b.room = b.room[:target]
	m.feed.begin(b)
	if target > 1 {
		m.tellBegun()
	}
	return true
}

// share has a batch lie in shared memory, if it can.
func (m *mapping[In, Out]) share(b *batch[In, Out]) {
	if !m.tried {
		m.tried = true
		if l, ok := layOut(cap(m.slots), m.f.in.size, m.f.out.size); ok {
			m.arena = m.on.owner().takeArena(l)
		}
	}
	if a := m.arena; a != nil && b.arena == nil {
		in, out := a.place(b.index)
		memory := a.buffer.Bytes()
		b.arena = a
		b.room = viewOf[In](memory[in:][:a.each*m.f.in.size])
		b.outs = viewOf[Out](memory[out:][:a.each*m.f.out.size])[:0]
	}
}

// send has the batch called that is being filled, unless it was stolen: then all inputs
// were.
func (m *mapping[In, Out]) send() {
	b := m.feed.finish(m.sent)
	if b == nil {
		m.feed.settle()
		return
	}
	m.work <- b
}

// tellBegun tells a worker that has nothing to do of a batch that is being filled.
func (m *mapping[In, Out]) tellBegun() {
	select {
	case m.begun <- struct{}{}:
	default:
	}
}

// callBatchOf calls f with the inputs of a batch and notes the results.
func (f *Func[In, Out]) callBatchOf(ctx context.Context, on Target, b *batch[In, Out]) {
	first := 0
	if len(b.ins) > 1 {
		err := f.callTogether(ctx, on, b)
		if err == nil {
			return
		}
		if crash := crashOf(err); crash != nil && crash.ofKey {
			var none Out
			b.set(0, none, f.fail(err))
			first = 1
		}
	}
	for i := first; i < len(b.ins); i++ {
		out, err := f.callAlone(ctx, on, b.ins[i], leaveLast)
		b.set(i, out, err)
		if b.over = isOver(ctx, err); b.over {
			return
		}
	}
}

// callTogether sends a batch as one frame. After an error nothing is known of its inputs.
func (f *Func[In, Out]) callTogether(ctx context.Context, on Target, b *batch[In, Out]) error {
	scratch := scratches.Get().(*scratch)
	defer scratch.put()
	var err error
	var images []byte
	scratch.b = appendNumber(scratch.b[:headerSize], len(b.ins))
	shared := b.arena != nil && !b.arena.refused.Load()
	switch {
	case shared:
		scratch.b = b.arena.appendPlace(scratch.b[:headerSize], b.index, len(b.ins))
	case f.in.image:
		images = imagesOf(b.ins)
	default:
		scratch.b, err = appendItems(&f.in, scratch.b, b.ins)
	}
	if err != nil {
		return err // of one of them
	}
	p, err := on.acquire(ctx, len(b.ins), false)
	if err != nil {
		return err
	}
	status, body, err := p.call(ctx, &f.name, f.index|batchBit, scratch.b, images, leaveLast)
	if err != nil {
		crashOf(err).finish(on)
		return err
	}
	defer p.release() // also if a codec of the program's panics
	if shared && status == statusRefused {
		b.arena.refused.Store(true)
	}
	return f.results(b, p, status, body)
}

// isOver reports whether an error of a call means that no later call can succeed.
func isOver(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, errClosed) || errors.Is(err, errKeyClosed))
}
