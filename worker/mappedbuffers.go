package worker

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
)

// mappedBuffers are the buffers that a worker has mapped. They stay until their pool closes
// them, so that the next call with the same one costs nothing.
type mappedBuffers struct {
	mu     sync.Mutex
	byID   map[uint64]*Buffer
	doomed []*Buffer   // closed by the pool, perhaps still in use by the present call
	any    atomic.Bool // some are doomed
}

var mapped mappedBuffers

// get returns a buffer, which it maps if it is new.
func (m *mappedBuffers) get(id, n uint64, place string) (*Buffer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.byID[id]; b != nil {
		return b, nil
	}
	if n == 0 || n > math.MaxInt64 {
		return nil, errGarbled("a buffer has no size")
	}
	seg, err := openSegment(place, int64(n))
	if err != nil {
		return nil, fmt.Errorf("the buffer can't be mapped; was it closed? (%w)", err)
	}
	if uint64(seg.Len()) < n {
		seg.Close()
		return nil, fmt.Errorf("the buffer has %d bytes, not %d (%w)", seg.Len(), n, breezeway.ErrMismatch)
	}
	b := &Buffer{id: id, seg: seg, n: int(n)}
	if m.byID == nil {
		m.byID = map[uint64]*Buffer{}
	}
	m.byID[id] = b
	return b, nil
}

// forget has a buffer unmapped with the next sweep.
func (m *mappedBuffers) forget(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.byID[id]; b != nil {
		delete(m.byID, id)
		m.doomed = append(m.doomed, b)
		m.any.Store(true)
	}
}

// sweep unmaps what is forgotten.
//
// Preconditions:
//   - no function runs.
func (m *mappedBuffers) sweep() {
	if !m.any.Load() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.doomed {
		_ = b.release()
	}
	m.doomed = nil
	m.any.Store(false)
}
