//go:build unix

package mmap

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"weak"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// vacated is the address range of a closed Mapping, which is unmapped once the
// collector has found the Mapping unreachable. The collector doesn't know how large
// the range is, so it is started when many wait for it.
type vacated struct {
	owner weak.Pointer[Mapping]
	whole []byte
}

var allVacated struct {
	sync.Mutex
	ranges     map[*vacated]bool // those that are mapped
	since      uint64            // bytes vacated since collecting began last
	collecting bool
}

// vacatedMost returns after how many vacated bytes a collection is started: a small
// part of the addresses that this process may use.
var vacatedMost = sync.OnceValue(func() uint64 {
	most := min(1<<40, uint64(math.MaxUint)/8)
	if limit, ok := addressLimit(); ok {
		most = min(most, limit/8)
	}
	return most
})

// unmapLater unmaps m's addresses when the collector finds m unreachable.
func unmapLater(m *Mapping) {
	v := &vacated{weak.Make(m), m.whole}
	runtime.AddCleanup(m, (*vacated).unmap, v)
	if v.isOneTooMany() {
		// In the background it could come too late: it needs addresses itself.
		reclaim()
		allVacated.Lock()
		defer allVacated.Unlock()
		allVacated.collecting = false
	}
}

// isOneTooMany records v and reports whether the caller must start a collection.
func (v *vacated) isOneTooMany() bool {
	a := &allVacated
	a.Lock()
	defer a.Unlock()
	if a.ranges == nil {
		a.ranges = map[*vacated]bool{}
	}
	a.ranges[v] = true
	// The system also limits the number of ranges: to 65,530, says vm.max_map_count.
	a.since += max(uint64(len(v.whole)), vacatedMost()/16384)
	if a.since < vacatedMost() || a.collecting {
		return false
	}
	a.since, a.collecting = 0, true
	return true
}

// unmap gives the addresses back, once. It fails at the system's limit of mappings if it
// has to split one.
//
// Preconditions:
//   - the owner is unreachable.
func (v *vacated) unmap() {
	allVacated.Lock()
	defer allVacated.Unlock()
	if allVacated.ranges[v] && sys.Unmap(v.whole) == nil {
		delete(allVacated.ranges, v)
	}
}

// withAddresses calls f, which maps memory, and once more if there were too few
// addresses for it and a collection may have given some back.
func withAddresses(f func() error) error {
	err := f()
	if errors.Is(err, unix.ENOMEM) && reclaim() {
		err = f()
	}
	return err
}

// reclaim unmaps what the collector can find unreachable now. It reports false if
// there was nothing to look for.
func reclaim() bool {
	allVacated.Lock()
	n := len(allVacated.ranges)
	allVacated.Unlock()
	if n == 0 {
		return false
	}
	runtime.GC()
	// The cleanups may run later.
	var unreachable []*vacated
	allVacated.Lock()
	for v := range allVacated.ranges {
		if v.owner.Value() == nil {
			unreachable = append(unreachable, v)
		}
	}
	allVacated.Unlock()
	for _, v := range unreachable {
		v.unmap()
	}
	return true
}
