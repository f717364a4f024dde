package worker

import "sync/atomic"

// arena is memory that a mapping shares with the workers, for inputs and results that are
// plain: they are filled in, called and yielded where they lie. The call of a batch has as
// its body the number of inputs with sharedItems, where in the memory the inputs and
// the results are, in 8 bytes each, and the buffer. Its answer has no results, unless some
// failed.
type arena struct {
	layout
	buffer  *Buffer
	handle  []byte      // the encoded buffer
	refused atomic.Bool // by a worker, which can't map it: batches are copied
}

// sharedItems marks the number of inputs of a batch that lies in an arena.
const sharedItems = 1 << 30

const (
	// sharedFrom is how large batches are when they move into an arena: mapping its memory
	// takes as long as some hundred small calls.
	sharedFrom = 512
	// mostShared bounds an arena.
	mostShared = 32 << 20
)

// layout is how an arena is divided into batches.
type layout struct {
	batches int
	each    int // inputs for which a batch has room
	in, out int // bytes of the inputs of a batch, and of its results, rounded up
}

// layOut divides an arena for so many batches of values of so many bytes. It reports false
// if an arena doesn't help.
func layOut(batches, in, out int) (l layout, ok bool) {
	if in == 0 || out == 0 {
		return l, false
	}
	each := min(mostOf(in, out), mostShared/batches/(in+out))
	return layout{batches, each, each*in + padTo(each*in), each*out + padTo(each*out)}, each >= sharedFrom
}

func (l layout) size() int { return l.batches * (l.in + l.out) }

// takeArena returns an arena, the spare one of the pool if that is large enough; nil if
// there can't be one.
func (pool *Pool) takeArena(l layout) *arena {
	pool.mu.Lock()
	a := pool.spare
	pool.spare = nil
	pool.mu.Unlock()
	if a != nil && a.buffer.Len() >= l.size() {
		a.layout = l
		a.refused.Store(false)
		return a
	}
	a.close()
	return newArena(pool, l)
}

// spareMost is how large an arena may be that a pool keeps for the next mapping.
const spareMost = 4 << 20

// giveArena takes an arena back that no call uses any more.
func (pool *Pool) giveArena(a *arena) {
	pool.mu.Lock()
	if !pool.closed && pool.spare == nil && a.buffer.Len() <= spareMost {
		pool.spare, a = a, nil
	}
	pool.mu.Unlock()
	a.close()
}

func newArena(pool *Pool, l layout) *arena {
	seg, err := createSegment(int64(l.size()))
	if err != nil {
		return nil
	}
	// The pool doesn't know the buffer: its Close must not take it from under a mapping.
	a := &arena{layout: l, buffer: &Buffer{id: bufferIDs.Add(1), pool: pool, seg: seg, n: l.size()}}
	e := encoder{}
	if err := a.buffer.encode(&e); err != nil {
		a.close()
		return nil
	}
	a.handle = e.b
	return a
}

// place returns where the inputs and the results of a batch lie.
func (a *arena) place(batch int) (in, out int) {
	in = batch * (a.in + a.out)
	return in, in + a.in
}

// appendPlace appends the body of a call.
func (a *arena) appendPlace(b []byte, batch, n int) []byte {
	in, out := a.place(batch)
	b = appendNumber(b, n|sharedItems)
	b = appendNumber(appendNumber(b, in), out)
	return append(b, a.handle...)
}

func (a *arena) close() {
	if a != nil {
		_ = a.buffer.Close()
	}
}

// takePlace returns the memory that a call names, of n inputs of so many bytes.
func takePlace(d *decoder, n, in, out int) (ins, outs []byte) {
	inAt, outAt := d.uint64(), d.uint64()
	b, err := decodeBuffer(d)
	if err != nil {
		d.fail("%v", err)
	}
	return part(d, b, inAt, n*in), part(d, b, outAt, n*out)
}

// part returns n bytes of a buffer.
func part(d *decoder, b *Buffer, at uint64, n int) []byte {
	if d.err != nil || at%lineSize != 0 || at > uint64(b.Len()) || n > b.Len()-int(at) {
		d.fail("there are no %d bytes at %d of the buffer", n, at)
		return nil
	}
	return b.Bytes()[at:][:n:n]
}
