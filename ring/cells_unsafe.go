package ring

import (
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/release"
)

// cells is where the records of a ring are in this process's memory.
//
// Preconditions for its methods:
//   - base has (mask+1)*stride bytes, which stay mapped as long as the object is
//     reachable;
//   - mask+1 is a power of two, stride a multiple of the cache line.
//
// Positions may be any number: they are taken modulo the number of cells.
type cells struct {
	base   unsafe.Pointer
	mask   uint64
	stride uint64
}

func cellsIn(b []byte, f *fixed) cells {
	return cells{unsafe.Pointer(unsafe.SliceData(b)), f.Cells - 1, uint64(f.CellSize)}
}

// at returns the word of the record at a position.
func (c *cells) at(pos uint64) *uint64 {
	return (*uint64)(unsafe.Add(c.base, (pos&c.mask)*c.stride))
}

func (c *cells) load(pos uint64) word { return word(atomic.LoadUint64(c.at(pos))) }

func (c *cells) swap(pos uint64, old, new word) bool {
	return atomic.CompareAndSwapUint64(c.at(pos), uint64(old), uint64(new))
}

// put stores a word, after all that was stored before.
func (c *cells) put(pos uint64, w word) { release.Store(c.at(pos), uint64(w)) }

// prepare gets n cells for stores.
//
// Preconditions:
//   - a cell is a cache line;
//   - n is at least 1, and the cells are before the end of the ring.
func (c *cells) prepare(pos, n uint64) { release.Prepare(unsafe.Pointer(c.at(pos)), n) }

// message returns the memory of the message whose record is at a position.
//
// Preconditions:
//   - the record has size+wordSize bytes, before the end of the cells.
func (c *cells) message(pos uint64, size int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(c.at(pos)), wordSize)), size)
}

// valueAt returns the message at a position as a T.
//
// Preconditions:
//   - T has passed plain.Check, and a cell has room for it.
func valueAt[T any](c *cells, pos uint64) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(c.at(pos)), wordSize))
}

// wordOfAtomic returns the word itself, to be loaded atomically.
func wordOfAtomic(p *atomic.Uint64) *uint64 { return (*uint64)(unsafe.Pointer(p)) }

// storeRelease is [release.Store] of a word that others load.
func storeRelease(p *atomic.Uint64, v uint64) { release.Store(wordOfAtomic(p), v) }

// store stores a word by an operation that no later load overtakes.
func (c *cells) store(pos uint64, w word) { atomic.StoreUint64(c.at(pos), uint64(w)) }
