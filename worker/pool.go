package worker

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Target is what a [Func] is called on: a [*Pool] or a [*Key].
type Target interface {
	// acquire begins a call, or goes on with one again whose worker has died. After an
	// error it has ended.
	acquire(ctx context.Context, calls int, again bool) (*process, error)
	retries() int
	lanes() int
	owner() *Pool
}

// Pool is a number of processes that run the functions of this program. [Start] makes
// it. All methods may be called concurrently. The caller closes it.
type Pool struct {
	cfg    settings
	stderr *sink

	mu       sync.Mutex
	changed  sync.Cond             // busy, alive, starting or closing have changed
	all      map[*process]struct{} // those of keys too; not those that are dismissed
	idle     []*process            // the one that was used last is at the end
	waiting  []*waiter             // the first one came first; none if some are idle
	busy     int                   // calls that have a process, and those that wait for one
	alive    int                   // processes that have not ended
	starting int                   // goroutines that start one
	closing  bool                  // no new calls
	closed   bool                  // no calls
	keys     map[string]*Key
	buffers  map[uint64]*Buffer
	spare    *arena // for the next mapping, or nil
	failures int    // starts that failed and workers that died since the last call that one answered; not those of keys

	ending context.Context // of starts
	end    context.CancelFunc

	stats struct{ calls, crashes, started, replaced int64 }
}

// waiter is a call that waits for a process.
type waiter struct {
	got   chan handed // with room for one
	calls int         // how many the process gets
}

// handed is what a waiter gets.
type handed struct {
	p   *process
	err error
}

// Start starts the workers of a pool and waits until they are ready. If ctx ends before,
// it ends with its cause; the pool goes on when ctx ends later. The caller calls
// [Pool.Close] or [Pool.Shutdown].
//
// It fails with [os.ErrInvalid] if [Main] was not called, in a worker, and for a
// definition that can't work; with [breezeway.ErrMismatch] if what it started is another
// build of this program, or has other functions.
func Start(ctx context.Context, cfg *Config) (*Pool, error) {
	pool, err := start(ctx, cfg)
	return pool, fail.With(breezeway.OpStart, kindWorker, "", err)
}

func start(ctx context.Context, cfg *Config) (*Pool, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := checkMain(); err != nil {
		return nil, err
	}
	if err := endDefinitions(); err != nil {
		return nil, err
	}
	barrier.Register() // for Map
	pool := &Pool{cfg: s, stderr: &sink{w: s.Stderr}, all: map[*process]struct{}{}, keys: map[string]*Key{}, buffers: map[uint64]*Buffer{}}
	pool.changed.L = &pool.mu
	pool.ending, pool.end = context.WithCancel(context.Background())
	pools.Store(pool, nil)
	if err := pool.startAll(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// startAll starts the first processes, at the same time.
func (pool *Pool) startAll(ctx context.Context) error {
	failed := make(chan error, pool.cfg.Workers)
	for range pool.cfg.Workers {
		go func() {
			p, err := startProcess(ctx, pool, nil)
			if err == nil {
				pool.add(p)
			}
			failed <- err
		}()
	}
	var first error
	for range pool.cfg.Workers {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// valid reports whether Start made pool.
func (pool *Pool) valid() bool { return pool != nil && pool.all != nil }

func (pool *Pool) retries() int { return pool.cfg.Retry }

// lanes is how many calls at a time make sense.
func (pool *Pool) lanes() int {
	if !pool.valid() {
		return 0
	}
	return pool.cfg.Workers
}

func (pool *Pool) owner() *Pool { return pool }

// errClosed is what calls on a closed pool fail with.
var errClosed = fmt.Errorf("the pool is closed (%w)", os.ErrClosed)

// acquire returns a process that is idle, or the next one that gets so. The first call
// that waits is served first.
func (pool *Pool) acquire(ctx context.Context, calls int, again bool) (*process, error) {
	if !pool.valid() {
		return nil, errNoPool
	}
	if ctx.Err() != nil {
		if again {
			pool.finish()
		}
		return nil, context.Cause(ctx)
	}
	pool.mu.Lock()
	switch {
	case again && pool.closed:
		pool.done()
		fallthrough
	case !again && pool.closing:
		pool.mu.Unlock()
		return nil, errClosed
	case !again:
		pool.busy++
	}
	if n := len(pool.idle); n > 0 {
		p := pool.idle[n-1]
		pool.idle = pool.idle[:n-1]
		p.give(calls)
		pool.mu.Unlock()
		return p, nil
	}
	w := &waiter{make(chan handed, 1), calls}
	pool.waiting = append(pool.waiting, w)
	pool.mu.Unlock()
	return pool.await(ctx, w)
}

// await waits for what w is handed.
func (pool *Pool) await(ctx context.Context, w *waiter) (*process, error) {
	select {
	case h := <-w.got:
		return h.p, h.err
	case <-ctx.Done():
	}
	pool.mu.Lock()
	if i := slices.Index(pool.waiting, w); i >= 0 {
		pool.waiting = slices.Delete(pool.waiting, i, i+1)
		pool.done()
		pool.mu.Unlock()
		return nil, context.Cause(ctx)
	}
	pool.mu.Unlock()
	h := <-w.got // it was handed something meanwhile
	if h.err == nil {
		pool.release(h.p)
	}
	return nil, context.Cause(ctx)
}

// done notes that a call has ended. pool.mu is held.
func (pool *Pool) done() {
	if pool.busy--; pool.busy == 0 && pool.closing {
		pool.changed.Broadcast()
	}
}

// release takes a process back from a call that has ended.
func (pool *Pool) release(p *process) {
	worn := pool.isTooLarge(p)
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.done()
	pool.accept(p, worn)
}

// takeBack takes a process back that has answered a call whose end was noted before.
func (pool *Pool) takeBack(p *process) {
	worn := pool.isTooLarge(p)
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.accept(p, worn)
}

// enter notes that a call of a key begins.
func (pool *Pool) enter() error {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.closing {
		return errClosed
	}
	pool.busy++
	return nil
}

// join takes the process of a key in, and reports false if the pool is closed.
func (pool *Pool) join(p *process) bool {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.all[p] = struct{}{}
	select {
	case <-p.exited:
		pool.gone(p) // the call will find out
	default:
		if pool.closed {
			go p.dismiss()
		}
	}
	return !pool.closed
}

// finish notes that a call has ended.
func (pool *Pool) finish() {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.done()
}

// accept takes a process back, or replaces it. pool.mu is held.
func (pool *Pool) accept(p *process, worn bool) {
	p.count()
	if most := pool.cfg.MaxCalls; most > 0 && p.calls >= most {
		worn = true
	}
	switch _, ours := pool.all[p]; {
	case !ours: // it ended meanwhile
	case worn && !pool.closed:
		pool.retire(p)
	default:
		pool.offer(p)
	}
}

// isTooLarge reports whether a process has more memory than one may.
func (pool *Pool) isTooLarge(p *process) bool {
	if pool.cfg.MaxMemory == 0 {
		return false
	}
	used, err := residentMemory(p.pid)
	return err == nil && used > pool.cfg.MaxMemory
}

// offer gives a process to the first call that waits, or makes it idle. pool.mu is held.
func (pool *Pool) offer(p *process) {
	if len(pool.waiting) > 0 {
		w := pool.waiting[0]
		pool.waiting = slices.Delete(pool.waiting, 0, 1)
		p.give(w.calls)
		w.got <- handed{p: p}
		return
	}
	pool.idle = append(pool.idle, p)
}

// retire ends a process that is not in use and has another one started in its place.
// pool.mu is held.
func (pool *Pool) retire(p *process) {
	pool.stats.replaced++
	delete(pool.all, p)
	go p.dismiss()
	pool.replace(0)
}

// replaced takes a process in that was started in the place of another.
func (pool *Pool) replaced(p *process) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.stats.started++
	pool.admit(p)
}

func (pool *Pool) add(p *process) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.admit(p)
}

// admit takes a new process in, unless it has ended already. pool.mu is held.
func (pool *Pool) admit(p *process) {
	pool.all[p] = struct{}{}
	select {
	case <-p.exited:
		pool.gone(p)
		return
	default:
	}
	if pool.closed { // since it was started
		go p.dismiss()
		return
	}
	pool.offer(p)
}

// gone notes that a process has ended, and replaces it unless that was to be, or its key
// does. pool.mu is held.
func (pool *Pool) gone(p *process) {
	if _, ours := pool.all[p]; !ours {
		return // dismissed, or not greeted yet, or noted already
	}
	delete(pool.all, p)
	if i := slices.Index(pool.idle, p); i >= 0 {
		pool.idle = slices.Delete(pool.idle, i, i+1)
	}
	if pool.closed || p.dismissed.Load() { // those of keys are dismissed from there
		return
	}
	pool.stats.crashes++
	pool.cfg.Logger.Warn("a worker died", "pid", p.pid, "key", p.key.Name(), "state", p.state, "reason", p.reason())
	if p.key == nil {
		pool.failures++
		pool.replace(pool.backoff())
	}
}

const (
	firstBackoff = 10 * time.Millisecond
	lastBackoff  = time.Second
	// calmFailures is how many processes may die or fail to start, without a call that
	// succeeds between them, before the next one waits.
	calmFailures = 3
	// enoughFailures is after how many of them calls fail that wait for a process while
	// there is none.
	enoughFailures = 6
)

// backoff returns how long to wait before the next start. pool.mu is held.
func (pool *Pool) backoff() time.Duration {
	if pool.failures <= calmFailures {
		return 0
	}
	return min(firstBackoff<<min(pool.failures-calmFailures-1, 10), lastBackoff)
}

// replace starts a process in the background, until one starts or the pool is closed.
// pool.mu is held.
func (pool *Pool) replace(after time.Duration) {
	if pool.closed {
		return
	}
	pool.starting++
	go func() {
		defer pool.started()
		for pool.pause(after) {
			p, err := startProcess(pool.ending, pool, nil)
			if err == nil {
				pool.cfg.Logger.Info("a worker was started in the place of another", "pid", p.pid)
				pool.replaced(p)
				return
			}
			after = pool.notStarted(err)
		}
	}()
}

// pause waits, and reports whether the pool goes on.
func (pool *Pool) pause(d time.Duration) bool {
	if d == 0 {
		return pool.ending.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-pool.ending.Done():
		return false
	}
}

// begin notes that a process is being started, until started, and reports false if the pool
// is closed.
func (pool *Pool) begin() bool {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if !pool.closed {
		pool.starting++
	}
	return !pool.closed
}

// started notes that a start has ended.
func (pool *Pool) started() {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.starting--
	pool.changed.Broadcast()
}

// notStarted notes that no process could be started, and returns how long to wait. If
// there is none at all, calls that wait fail.
func (pool *Pool) notStarted(err error) time.Duration {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if !pool.closed {
		pool.cfg.Logger.Error("a worker could not be started", "reason", err)
	}
	if pool.failures++; pool.failures >= enoughFailures && !pool.hasWorkers() {
		pool.refuse(fmt.Errorf("no worker can be started: %w", err))
	}
	return max(pool.backoff(), firstBackoff)
}

// hasWorkers reports whether there is a process that any call may get. pool.mu is held.
func (pool *Pool) hasWorkers() bool {
	for p := range pool.all {
		if p.key == nil {
			return true
		}
	}
	return false
}

// refuse fails all calls that wait for a process. pool.mu is held.
func (pool *Pool) refuse(err error) {
	for _, w := range pool.waiting {
		w.got <- handed{err: err}
		pool.done()
	}
	pool.waiting = nil
}

// born and ended count the processes.
func (pool *Pool) born() {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.alive++
}

// ended also tells those that wait for the end of p: what it changes is there when their
// calls return.
func (pool *Pool) ended(p *process) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	close(p.exited)
	pool.alive--
	pool.changed.Broadcast()
	pool.gone(p)
}

// Shutdown lets no new calls begin, waits for those that have begun, also for those that
// wait for a process, and closes the pool. If ctx ends before, it closes the pool at once
// and returns the cause.
func (pool *Pool) Shutdown(ctx context.Context) error {
	if !pool.valid() {
		return fail.With(breezeway.OpClose, kindWorker, "", errNoPool)
	}
	stop := context.AfterFunc(ctx, func() {
		pool.mu.Lock()
		defer pool.mu.Unlock()
		pool.changed.Broadcast()
	})
	defer stop()
	pool.mu.Lock()
	pool.closing = true
	for pool.busy > 0 && ctx.Err() == nil {
		pool.changed.Wait()
	}
	cut := pool.busy > 0
	pool.mu.Unlock()
	err := pool.Close()
	if cut && err == nil {
		return fail.With(breezeway.OpClose, kindWorker, "", context.Cause(ctx))
	}
	return err
}

// Close ends all workers and waits until they have ended. Calls that are under way or
// wait end at once with [os.ErrClosed]; the ctx of their functions is cancelled, and what
// goes on after [Config.Grace] is killed. Buffers are closed. Closing again does nothing.
func (pool *Pool) Close() error {
	if !pool.valid() {
		return fail.With(breezeway.OpClose, kindWorker, "", errNoPool)
	}
	for _, id := range pool.close() {
		forgetBuffer(id) // the workers of other pools may have it
	}
	return nil
}

// close does the work of Close, and returns the numbers of the buffers that it has closed.
func (pool *Pool) close() (buffers []uint64) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	pool.closing = true
	if !pool.closed {
		pool.closed = true
		pool.end()
		pool.refuse(errClosed)
		for p := range pool.all {
			go p.dismiss()
		}
	}
	for pool.alive > 0 || pool.starting > 0 {
		pool.changed.Wait()
	}
	pools.Delete(pool)
	for id, b := range pool.buffers {
		_ = b.release()
		buffers = append(buffers, id)
	}
	clear(pool.buffers)
	if pool.spare != nil {
		_ = pool.spare.buffer.release()
		pool.spare = nil
	}
	return buffers
}

// processes returns the processes that there are.
func (pool *Pool) processes() []*process {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	return slices.SortedFunc(maps.Keys(pool.all), func(a, b *process) int { return a.pid - b.pid })
}
