package shmnet

import "github.com/breezeway-ipc/breezeway/internal/sys"

// pages is the memory of a ring, of which the first time around no more is committed than
// was written to. Each end commits for itself before it touches anything: what the other
// end says of it is not trusted. Committing again does nothing.
type pages struct {
	ring      []byte
	committed uint64 // bytes, from the start
}

// commitStep is the least that is committed at once. Further on as much is added as there
// is, so that the whole ring takes few system calls.
const commitStep = 16 << 10

func pagesOf(ring []byte) pages { return pages{ring: ring} }

// cover has the ring ready to be touched up to position to, which counts from the
// beginning of the connection.
func (p *pages) cover(to uint64) error {
	if to <= p.committed || p.committed == uint64(len(p.ring)) {
		return nil
	}
	return p.commit(to)
}

func (p *pages) commit(to uint64) error {
	to = min(max((to+commitStep-1)&^(commitStep-1), 2*p.committed), uint64(len(p.ring)))
	if err := sys.CommitMemory(p.ring[p.committed:to]); err != nil {
		return err
	}
	p.committed = to
	return nil
}
