package worker

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Key is a worker process of its own, beside those of its pool: its calls run there and
// no others do, so that what its functions keep in memory stays between them. It is a
// [Target]. [Pool.Key] makes it. All methods may be called concurrently; calls run one
// after the other.
//
// The process starts with the first call. If it dies, one call fails with a [*Crash]: the
// one under way, or the next one; idempotent ones too, since what the process kept is
// lost. The call after it starts a fresh process. For the same reason [Config.MaxCalls]
// and [Config.MaxMemory], which replace a process without a word, don't apply to it: close
// the key instead.
type Key struct {
	pool *Pool
	name string

	turn chan struct{} // holds one element while no call runs

	ending context.Context // of starts, and of waits for the turn: it ends with the pool's
	end    context.CancelFunc
	starts sync.WaitGroup // of processes; one begins only while the key is not closed

	mu     sync.Mutex
	p      *process // nil before the first call, and after a death that was reported
	closed bool
}

// Key returns the process of its own with that name. The same name means the same Key
// until it is closed.
func (pool *Pool) Key(name string) *Key {
	if !pool.valid() {
		return nil
	}
	pool.mu.Lock()
	defer pool.mu.Unlock()
	k := pool.keys[name]
	if k == nil {
		k = &Key{pool: pool, name: name, turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		k.ending, k.end = context.WithCancel(pool.ending)
		pool.keys[name] = k
	}
	return k
}

// Name returns the name of the key.
func (k *Key) Name() string {
	if k == nil {
		return ""
	}
	return k.name
}

// valid reports whether Pool.Key made k.
func (k *Key) valid() bool { return k != nil && k.pool != nil }

func (k *Key) retries() int { return 0 }

// lanes is how many calls at a time make sense.
func (k *Key) lanes() int {
	if !k.valid() {
		return 0
	}
	return 1
}

func (k *Key) owner() *Pool { return k.pool }

// acquire waits for its turn and returns the process. No call of a key is tried again.
func (k *Key) acquire(ctx context.Context, calls int, _ bool) (*process, error) {
	if !k.valid() {
		return nil, errNoPool
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := k.pool.enter(); err != nil {
		return nil, err
	}
	select {
	case <-k.turn:
	case <-k.ending.Done():
		k.pool.finish()
		return nil, k.whyClosed()
	case <-ctx.Done():
		k.pool.finish()
		return nil, context.Cause(ctx)
	}
	p, err := k.process(ctx)
	if err != nil {
		k.turn <- struct{}{}
		k.pool.finish()
		return nil, err
	}
	k.pool.mu.Lock()
	defer k.pool.mu.Unlock()
	p.give(calls)
	return p, nil
}

// process returns the process, and starts it if there is none. It is the caller's turn.
func (k *Key) process(ctx context.Context) (*process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errKeyClosed
	}
	if k.p != nil {
		select {
		case <-k.p.exited:
		default:
			return k.p, nil
		}
		dead := k.p
		k.p = nil
		switch {
		case dead.dismissed.Load(): // Pool.Close has ended it
			return nil, k.whyClosed()
		case !dead.reported.Load():
			return nil, dead.epitaph("no function")
		}
	}
	k.starts.Add(1)
	defer k.starts.Done()
	k.mu.Unlock() // the process may end before it has greeted
	p, err := k.start(ctx)
	k.mu.Lock()
	if err == nil {
		err = k.adopt(p)
	}
	return p, err
}

// start starts a process. Key.Close and Pool.Close cut it short, and wait until it has
// ended.
func (k *Key) start(ctx context.Context) (*process, error) {
	if !k.pool.begin() {
		return nil, errClosed
	}
	defer k.pool.started()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(k.ending, func() { cancel(k.whyClosed()) })()
	return startProcess(ctx, k.pool, k)
}

// adopt makes p the process of k. k.mu is held.
func (k *Key) adopt(p *process) error {
	if !k.pool.join(p) {
		return errClosed
	}
	k.p = p
	if k.closed { // Close waits for the start, and ends p
		return errKeyClosed
	}
	return nil
}

// whyClosed is the error of calls when k has ended.
func (k *Key) whyClosed() error {
	if k.pool.ending.Err() != nil {
		return errClosed
	}
	return errKeyClosed
}

var errKeyClosed = fmt.Errorf("the key is closed; get a new one with Pool.Key (%w)", os.ErrClosed)

// release takes the process back from a call that has ended.
func (k *Key) release(p *process) {
	k.takeBack(p)
	k.pool.finish()
}

// takeBack takes the process back: it has answered.
func (k *Key) takeBack(p *process) {
	k.pool.mu.Lock()
	p.count()
	k.pool.mu.Unlock()
	k.lost()
}

// lost lets the next call begin: the process has answered, or is dead.
func (k *Key) lost() { k.turn <- struct{}{} }

// Close ends the process and waits until it has ended. Calls that are under way or wait
// end with [os.ErrClosed]. Closing again does nothing.
func (k *Key) Close() error {
	if !k.valid() {
		return fail.With(breezeway.OpClose, kindWorker, "", errNoPool)
	}
	k.pool.mu.Lock()
	if k.pool.keys[k.name] == k {
		delete(k.pool.keys, k.name)
	}
	k.pool.mu.Unlock()
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.end()
	k.starts.Wait()
	k.mu.Lock()
	p := k.p
	k.mu.Unlock()
	if p != nil {
		p.dismiss()
	}
	return nil
}
