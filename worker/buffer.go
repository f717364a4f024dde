package worker

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/shm"
)

// Buffer is memory that a pool's process and its workers share. [Pool.Buffer] makes it. In
// and Out carry it as a *Buffer, alone or inside other values: a handle of some bytes
// crosses, and what is in it doesn't move.
//
// It belongs to the pool. In the process of the pool it is there until [Buffer.Close], or
// until the pool is closed; what a worker that dies had of it goes with that worker. In a
// worker it is valid until the function returns to which it came: Bytes must not be used
// later. The same buffer is the same *Buffer in each call of a worker, and in the result of
// a call, in the process of the pool.
//
// Nothing orders what two processes do with the bytes but the calls: what was written
// before a call is seen by its function, and what that wrote is seen by the caller. A
// worker that is not trusted may change the bytes at any time.
type Buffer struct {
	id   uint64
	pool *Pool // nil in a worker
	seg  *shm.Segment
	n    int

	mu     sync.Mutex
	closed bool
}

// bufferIDs numbers the buffers of this process.
var bufferIDs atomic.Uint64

// Buffer makes a buffer of n bytes, which are zero. The memory is taken now. The caller
// closes it when no call uses it any more.
//
// Linux needs /proc for it, and Windows a name that no other program can guess; elsewhere
// it fails with [errors.ErrUnsupported].
func (pool *Pool) Buffer(n int) (*Buffer, error) {
	if !pool.valid() {
		return nil, fail.With(breezeway.OpCreate, kindWorker, "", errNoPool)
	}
	b, err := pool.newBuffer(n)
	return b, fail.With(breezeway.OpCreate, kindWorker, "buffer", err)
}

func (pool *Pool) newBuffer(n int) (*Buffer, error) {
	if n <= 0 {
		return nil, fmt.Errorf("a buffer of %d bytes (%w)", n, os.ErrInvalid)
	}
	seg, err := createSegment(int64(n))
	if err != nil {
		return nil, err
	}
	b := &Buffer{id: bufferIDs.Add(1), pool: pool, seg: seg, n: n}
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.closed {
		seg.Close()
		return nil, errClosed
	}
	pool.buffers[b.id] = b
	return b, nil
}

// Bytes returns the memory, or nil after Close. It is not to be used after that, and in a
// worker not after the function has returned.
func (b *Buffer) Bytes() []byte {
	if b == nil || b.seg == nil {
		return nil
	}
	if p := b.seg.Bytes(); p != nil {
		return p[:b.n:b.n]
	}
	return nil
}

// Len returns how many bytes the buffer has.
func (b *Buffer) Len() int {
	if b == nil {
		return 0
	}
	return b.n
}

// Close gives the memory back; workers do so after the call that they run. Closing again
// does nothing, and neither does it in a worker, whose pool the buffer belongs to.
func (b *Buffer) Close() error {
	if b == nil || b.pool == nil {
		return nil
	}
	b.pool.mu.Lock()
	delete(b.pool.buffers, b.id)
	b.pool.mu.Unlock()
	err := b.release()
	forgetBuffer(b.id)
	return fail.With(breezeway.OpClose, kindWorker, "buffer", err)
}

// forgetBuffer has workers unmap a buffer: those of all pools, since it may be given to the
// function of another one, too.
func forgetBuffer(id uint64) {
	pools.Range(func(pool, _ any) bool {
		for _, p := range pool.(*Pool).processes() {
			p.command(commandForget, id)
		}
		return true
	})
}

// release unmaps b, once.
func (b *Buffer) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.seg.Close()
}

var errBufferClosed = fmt.Errorf("the buffer is closed (%w)", os.ErrClosed)

// encode appends a byte, 0 for nil, and the handle: the number, the size, and what the
// system finds the memory by.
func (b *Buffer) encode(e *encoder) error {
	if b == nil {
		e.b = append(e.b, 0)
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errBufferClosed
	}
	if b.seg == nil {
		return fmt.Errorf("the buffer is zero; make it with Pool.Buffer (%w)", os.ErrInvalid)
	}
	e.b = binary.LittleEndian.AppendUint64(append(e.b, 1), b.id)
	e.b = binary.LittleEndian.AppendUint64(e.b, uint64(b.n))
	e.b = appendText(e.b, placeOf(b))
	return nil
}

// decodeBuffer takes a handle off the input. In a worker it maps the memory; in the
// process of the pool it finds the buffer.
func decodeBuffer(d *decoder) (*Buffer, error) {
	if d.byte() == 0 {
		return nil, nil
	}
	id, n, place := d.uint64(), d.uint64(), d.text()
	switch {
	case d.err != nil:
		return nil, d.err
	case !inWorker.Load():
		return findBuffer(id)
	}
	return mapped.get(id, n, place)
}

// pools are those that are open, whose buffers results may name.
var pools sync.Map // *Pool -> nil

func findBuffer(id uint64) (b *Buffer, err error) {
	err = fmt.Errorf("buffer %d: %w", id, errBufferClosed)
	pools.Range(func(pool, _ any) bool {
		p := pool.(*Pool)
		p.mu.Lock()
		defer p.mu.Unlock()
		if b = p.buffers[id]; b != nil {
			err = nil
		}
		return b == nil
	})
	return b, err
}
