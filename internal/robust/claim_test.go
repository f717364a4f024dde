package robust

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestClaimLetsOneOfManySucceed(t *testing.T) {
	for range ipctest.Count(10_000) {
		var c Claim
		var taken, late atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				switch ok, err := c.Take(func() (bool, error) { taken.Add(1); return true, nil }); {
				case errors.Is(err, ErrTaken) && !ok:
					late.Add(1)
				case !ok || err != nil:
					t.Error(ok, err)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 || late.Load() != 7 {
			t.Fatalf("%d of 8 took, %d came late", taken.Load(), late.Load())
		}
	}
}

func TestClaimIsLeftByWhatTakesNothing(t *testing.T) {
	var c Claim
	failure := errors.New("mine")
	if ok, err := c.Take(func() (bool, error) { return false, nil }); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := c.Take(func() (bool, error) { return false, failure }); ok || err != failure {
		t.Error(ok, err)
	}
	if ok, err := c.Take(func() (bool, error) { return true, nil }); !ok || err != nil {
		t.Error(ok, err)
	}
}

func TestClaimAround(t *testing.T) {
	var outer Claim
	calls := 0
	c := Around(&outer, func(take func() (bool, error)) (bool, error) {
		calls++
		return take()
	})
	take := func() (bool, error) { return true, nil }
	if ok, err := c.Take(take); !ok || err != nil || calls != 1 {
		t.Error(ok, err, calls)
	}
	if ok, err := c.Take(take); ok || !errors.Is(err, ErrTaken) || calls != 2 {
		t.Error(ok, err, calls)
	}
	// While it waits around, others can take.
	var waiting, other bool
	free := Claim{}
	ok, err := Around(&free, func(take func() (bool, error)) (bool, error) {
		waiting = true
		other, _ = free.Take(func() (bool, error) { return true, nil })
		return take()
	}).Take(take)
	if !waiting || !other || ok || !errors.Is(err, ErrTaken) {
		t.Error(waiting, other, ok, err)
	}
	var alone *Claim
	for range 2 {
		if ok, err := alone.Take(take); !ok || err != nil {
			t.Error(ok, err)
		}
	}
}
