package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// process is a worker as its pool sees it. The goroutine that has acquired it calls, one
// call at a time; it belongs to none while it is idle.
type process struct {
	pool  *Pool
	key   *Key // that it belongs to, or nil
	cmd   *exec.Cmd
	pid   int
	link  link
	in    frames
	tail  *tail
	since time.Time

	commands commands

	// What is known of the present call: for a worker that dies before it takes the call.
	sending sync.Mutex  // held to write, and to close the connection
	sent    uint64      // its number, if all of it was written, or 0; under sending
	untaken bool        // the worker ended without having read all of it; under sending
	unsent  []byte      // what an interruption left of it; the caller's
	gone    atomic.Bool // the process ended while a call was being written

	calls    int                    // that it was given, a batch as many; under pool.mu
	counted  uint64                 // number of the last one in the pool's Stats; under pool.mu
	running  bool                   // it was not given back since; under pool.mu
	function atomic.Pointer[string] // that runs, or ran last
	number   uint64                 // of the present call, or the last; its caller's

	// present is the call under way, 0 between calls. An interruption, which holds mu,
	// sets cutBit.
	present  atomic.Uint64
	watching atomic.Pointer[watch]

	mu   sync.Mutex
	deaf bool // nothing is to be watched any more

	exited chan struct{} // closed, under pool.mu, when the process has ended; state is there then
	state  *os.ProcessState
	why    error // why this process killed it; under mu

	reported  atomic.Bool // a call has ended with its Crash
	dismissed atomic.Bool // it ends by the pool's will
}

// startPatience bounds how long a process may take to greet.
const startPatience = 30 * time.Second

// startProcess starts a worker and waits until it greets.
func startProcess(ctx context.Context, pool *Pool, key *Key) (*process, error) {
	p, err := launch(pool, key)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, startPatience, errSilent)
	defer stop()
	if err := p.meet(ctx); err != nil {
		p.kill(err)
		<-p.exited
		if text := p.tail.text(); text != "" {
			err = fmt.Errorf("%w; its last words: %s", err, text)
		}
		return nil, err
	}
	return p, nil
}

var errSilent = fail.Errorf("the process that was started didn't say within %v that it is a worker; call %s as the first line of main (%w)", startPatience, fail.Go("worker.Main"), os.ErrDeadlineExceeded)

// launch starts a process.
func launch(pool *Pool, key *Key) (*process, error) {
	path, err := image().path()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p := &process{pool: pool, key: key, since: time.Now(), exited: make(chan struct{})}
	p.cmd = &exec.Cmd{
		Path: path, Args: []string{os.Args[0]}, Dir: pool.cfg.Dir,
		Env: append(os.Environ(), pool.cfg.Env...), Stdout: w, Stderr: w,
	}
	sp := spec{Parent: os.Getpid(), Limits: pool.cfg.Limits}
	if p.link, err = startLinked(p.cmd, &sp); err != nil {
		r.Close()
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	pool.born()
	p.in.r = p.link.data
	p.commands.w = p.link.control
	p.tail = newTail(r, pool.stderr)
	go p.wait()
	return p, nil
}

// tailPatience is how long what a dead worker wrote is waited for: a child of its own may
// still hold its standard error.
const tailPatience = time.Second

// wait waits for the end of the process.
func (p *process) wait() {
	_ = p.cmd.Wait() // the state says it all
	p.state = p.cmd.ProcessState
	p.tail.end(tailPatience)
	p.disconnect()
	p.unwatch()
	p.pool.ended(p)
}

// disconnect closes the connection of a process that has ended, and notes whether that
// has left a call there. A call that is being written meanwhile fails, or was written
// in time to be looked for here.
func (p *process) disconnect() {
	if !p.sending.TryLock() {
		// The write may have no end of its own: a child of the worker may still hold the
		// connection. gone comes before the deadline, so that send knows whose it is.
		p.gone.Store(true)
		p.link.data.SetWriteDeadline(time.Unix(1, 0))
		p.sending.Lock()
		p.link.data.SetWriteDeadline(time.Time{})
	}
	defer p.sending.Unlock()
	p.untaken = p.sent > 0 && p.link.untaken(p.sent)
	p.link.close()
}

// kill ends the process, for a reason, unless it has ended already.
func (p *process) kill(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Process.Kill(); err == nil && p.why == nil {
		p.why = why
	}
}

// reason returns why this process killed p, or nil.
func (p *process) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// meet waits for the greeting.
func (p *process) meet(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.link.data.SetReadDeadline(time.Unix(1, 0)) })
	h, body, err := p.in.next()
	if !stop() {
		return context.Cause(ctx)
	}
	switch {
	case err != nil:
		return fmt.Errorf("the process that was started ended without saying that it is a worker; call %s as the first line of main (%w)", fail.Go("worker.Main"), err)
	case h.what != statusHello || h.call != 0:
		return errGarbled("the process that was started is no worker")
	}
	return checkGreeting(string(body))
}

// call sends a frame, of which the header is still to be filled in and whose body goes on
// with rest, and waits for the answer. After an error the process is not the caller's any
// more; after a Crash the caller tries the call again, or finishes it. If the call is
// cancelled, or the process dismissed, it ends at once, or with last only when the process
// is done with it.
func (p *process) call(ctx context.Context, name *string, what uint16, frame, rest []byte, last bool) (status uint16, body []byte, err error) {
	frame, err = finishFrame(frame, len(rest), what, p.number+1)
	if err == nil && ctx.Err() != nil { // since it has waited for the process
		err = context.Cause(ctx)
	}
	if err != nil {
		p.release()
		return 0, nil, err
	}
	p.number++ // the worker counts too, what it gets
	if p.function.Load() != name {
		p.function.Store(name)
	}
	if ctx.Done() == nil && p.pool.cfg.Timeout == 0 {
		status, body, err = p.exchange(frame, rest)
	} else {
		status, body, err = p.exchangeUntil(ctx, frame, rest)
	}
	switch {
	case err != nil:
		return 0, nil, p.failed(ctx, *name, err, last)
	case status != statusDone && p.dismissed.Load(): // the function's ctx ended for that
		p.release()
		return 0, nil, p.whyDismissed()
	}
	return status, body, nil
}

// exchange writes a frame and reads the answer.
func (p *process) exchange(frame, rest []byte) (status uint16, body []byte, err error) {
	if err := p.send(frame, rest); err != nil {
		return 0, nil, err
	}
	h, body, err := p.in.next()
	switch {
	case err != nil:
		return 0, nil, err
	case h.call != uint16(p.number):
		return 0, nil, errGarbled("the worker answers another call")
	}
	return h.what, body, nil
}

// send writes a frame. What an interruption leaves of it is kept for [process.reclaim]:
// the worker would wait for it, and has done nothing wrong.
func (p *process) send(frame, rest []byte) error {
	p.sending.Lock()
	defer p.sending.Unlock()
	p.sent = 0
	var end []byte
	if len(rest) > 0 {
		end = padding[:padTo(len(frame)+len(rest))]
	}
	for i, part := range [...][]byte{frame, rest, end} {
		if len(part) == 0 {
			continue
		}
		if n, err := p.link.data.Write(part); err != nil {
			switch {
			case !isDeadline(err):
			case p.gone.Load():
				return io.ErrClosedPipe
			default:
				p.unsent = slices.Concat(append([][]byte{part[n:]}, [][]byte{rest, end, nil}[i:]...)...)
			}
			return err
		}
	}
	p.sent = p.number
	return nil
}

// exchangeUntil is exchange that ends with ctx or the pool's Timeout.
func (p *process) exchangeUntil(ctx context.Context, frame, rest []byte) (status uint16, body []byte, err error) {
	p.begin(ctx)
	if timeout := p.pool.cfg.Timeout; timeout > 0 {
		call := p.number
		timer := time.AfterFunc(timeout, func() { p.interrupt(call, commandExpire) })
		defer timer.Stop()
	}
	status, body, err = p.exchange(frame, rest)
	if p.present.CompareAndSwap(p.number, 0) {
		return status, body, err
	}
	p.mu.Lock() // until the interruption is complete
	p.present.Store(0)
	p.mu.Unlock()
	if err != nil {
		return status, body, err
	}
	// The answer came with the interruption.
	err = p.link.data.SetDeadline(time.Time{})
	if err == nil && status != statusDone {
		p.release()
		err = errReleased
	}
	return status, body, err
}

// errReleased says that the time of a call was over when the process was not, or not any
// more, busy with it; the process is released.
var errReleased = errors.New("released")

// cutBit marks the number of a call that was interrupted.
const cutBit = 1 << 63

// watch is a context whose end interrupts the calls of a process that have it. Calls with
// the same context, one after the other, cost one registration.
//
//	call: store present; load ended
//	end:  store ended; load present
//
// All are sequentially consistent, so that no call misses the end.
type watch struct {
	done  <-chan struct{}
	ended atomic.Bool
	stop  func() bool
}

// begin begins a call that the end of ctx interrupts.
func (p *process) begin(ctx context.Context) {
	w := p.watching.Load()
	if done := ctx.Done(); w == nil || w.done != done {
		w = p.watch(ctx, done)
	}
	p.present.Store(p.number)
	if w.ended.Load() {
		p.interruptAfter(ctx, p.number)
	}
}

// watch replaces what is watched. The caller has p, and no call is under way.
func (p *process) watch(ctx context.Context, done <-chan struct{}) *watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &watch{done: done, stop: func() bool { return false }}
	if old := p.watching.Swap(w); old != nil {
		old.stop()
	}
	if done == nil || p.deaf {
		return w
	}
	w.stop = context.AfterFunc(ctx, func() {
		w.ended.Store(true)
		// The order of these loads matters: a call that is present has its own context
		// watched already.
		if call := p.present.Load(); p.watching.Load() == w {
			p.interruptAfter(ctx, call)
		}
	})
	return w
}

// unwatch gives up what is watched, for good.
func (p *process) unwatch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = true
	if w := p.watching.Load(); w != nil {
		w.stop()
	}
}

// interruptAfter interrupts a call whose context has ended.
func (p *process) interruptAfter(ctx context.Context, call uint64) {
	why := uint64(commandCancel)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = commandExpire
	}
	p.interrupt(call, why)
}

// interrupt cancels a call, if it is the present one, and ends the wait for its answer.
func (p *process) interrupt(call, why uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call != 0 && call&cutBit == 0 && p.present.CompareAndSwap(call, call|cutBit) {
		p.command(why, call)
		p.link.data.SetDeadline(time.Unix(1, 0))
	}
}

// command tells the worker something, and doesn't wait until it listens.
func (p *process) command(what, arg uint64) { p.commands.send(what, arg) }

// failed turns the error of an exchange into that of the call, and sees to the process.
func (p *process) failed(ctx context.Context, name string, err error, last bool) error {
	if err == errReleased {
		return p.whyEnded(ctx)
	}
	switch {
	case p.dismissed.Load() && !isDeadline(err):
		defer p.pool.finish()
		if last {
			<-p.exited
		}
		p.lost()
		return p.whyDismissed()
	case isDeadline(err):
		defer p.pool.finish()
		if last {
			p.reclaim()
		} else {
			go p.reclaim()
		}
		return p.whyEnded(ctx)
	}
	defer p.lost()
	return p.crash(name, err)
}

// whyEnded is the error of a call that was interrupted.
func (p *process) whyEnded(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("the call took longer than %s, %v (%w)", fail.Go("Config.Timeout"), p.pool.cfg.Timeout, context.DeadlineExceeded)
}

// whyDismissed is the error of a call whose process was dismissed: with its key or the pool.
func (p *process) whyDismissed() error {
	if p.key != nil {
		return p.key.whyClosed()
	}
	return errClosed
}

// crash waits for the end of a process that has left the connection, or misused it. The
// call still counts.
func (p *process) crash(name string, err error) error {
	if errors.Is(err, breezeway.ErrMismatch) || errors.Is(err, breezeway.ErrTooLarge) {
		p.kill(err)
	}
	select {
	case <-p.exited:
	case <-time.After(tailPatience):
		// It has closed its descriptors, and lives; or it has ended, and what it wrote is
		// waited for.
		p.kill(fmt.Errorf("it closed its connection (%w)", err))
		<-p.exited
	}
	p.reported.Store(true)
	c := p.epitaph(name)
	c.counted = true
	return c
}

// epitaph describes a process that has ended.
func (p *process) epitaph(name string) *Crash {
	return &Crash{Func: name, PID: p.pid, State: p.state, Stderr: p.tail.text(), Why: p.reason(), unbegun: p.unbegun(), ofKey: p.key != nil}
}

// unbegun reports whether a process that has ended can't have begun with its last call. A
// key's is told of in any case: what it kept is lost.
func (p *process) unbegun() bool {
	p.sending.Lock()
	defer p.sending.Unlock()
	return p.key == nil && (p.sent == 0 || p.untaken)
}

// reclaim waits for the answer to a call whose caller has gone, and gives the process
// back to its pool, or kills it when the grace is over.
func (p *process) reclaim() {
	late := time.AfterFunc(p.pool.cfg.Grace, func() { p.kill(errGrace) })
	defer late.Stop()
	if p.answered() && late.Stop() {
		p.takeBack()
		return
	}
	<-p.exited
	p.lost()
}

// answered waits for an answer that has no caller any more, and kills a process that
// gives none.
func (p *process) answered() bool {
	err := p.link.data.SetDeadline(time.Time{})
	if err == nil && len(p.unsent) > 0 {
		_, err = p.link.data.Write(p.unsent)
		p.unsent = nil
	}
	if err == nil {
		var h header
		if h, _, err = p.in.next(); err == nil && h.call != uint16(p.number) {
			err = errGarbled("the worker answers another call")
		}
	}
	if err != nil && !(errors.Is(err, net.ErrClosed) && p.dismissed.Load()) { // or the function has its grace
		p.kill(err)
	}
	return err == nil
}

var errGrace = errors.New("its function went on after its ctx was cancelled")

// release gives the process back after a call.
func (p *process) release() {
	p.in.shrink()
	if p.key != nil {
		p.key.release(p)
		return
	}
	p.pool.release(p)
}

// takeBack gives the process back after the end of a call was noted.
func (p *process) takeBack() {
	p.in.shrink()
	if p.key != nil {
		p.key.takeBack(p)
		return
	}
	p.pool.takeBack(p)
}

// lost notes that no call has the process any more, which is dead or ending.
func (p *process) lost() {
	if p.key != nil {
		p.key.lost()
	}
}

// give notes that a call has the process, or a batch of so many. pool.mu is held.
func (p *process) give(calls int) {
	p.calls += calls
	p.running = true
}

// count notes that the process is given back, after a call that it has answered, or one
// that it never got. pool.mu is held.
func (p *process) count() {
	p.running = false
	if p.counted == p.number {
		return
	}
	p.counted = p.number
	p.pool.stats.calls++
	if p.key == nil {
		p.pool.failures = 0
	}
}

// dismiss ends the process in order: it closes what functions keep. A call that is under
// way ends with it. After the grace the process is killed.
func (p *process) dismiss() {
	p.dismissed.Store(true)
	p.command(commandRetire, 0)
	p.link.data.Close()
	late := time.AfterFunc(p.pool.cfg.Grace, func() { p.kill(errGrace) })
	defer late.Stop()
	<-p.exited
}
