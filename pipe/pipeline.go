package pipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

const kindPipeline = "pipeline"

// Pipeline runs several commands at a time, the standard output of each joined
// to the standard input of the next, as a shell does for a | b | c. All methods
// may be called concurrently. The errors of a nil or zero Pipeline are
// [os.ErrInvalid].
//
// The bytes pass through this process, which counts them. When a stage stops
// reading, the stage before it finds its output closed soon after it next
// writes, and is usually ended by SIGPIPE. When all stages have ended, what
// processes that they left behind still write into the joints is dropped, and so is
// what such processes have not read yet, without an error: a last stage that goes
// on in the background may lose its input.
type Pipeline struct {
	cmds   []*exec.Cmd
	joints []joint

	running sync.WaitGroup // the stages
	done    chan struct{}  // closed when all has ended and err is set
	err     error

	mu      sync.Mutex
	started bool
	stages  []Stage
}

// Stage is what became of one command of a [Pipeline].
type Stage struct {
	Args  []string         // the command and its arguments
	State *os.ProcessState // nil until it has ended
	Err   error            // what [exec.Cmd.Wait] or [exec.Cmd.Start] returned
}

// joint carries one stage's output to the next stage.
type joint struct {
	r, w  *os.File
	bytes atomic.Int64
	cut   atomic.Bool // the next stage stopped reading before the end
}

// NewPipeline returns a pipeline of the commands, which must not have been
// started. The first one's Stdin and the last one's Stdout stay what the caller
// made them, and so does every Stderr (where nil means the null device); the
// others are the pipeline's to set.
func NewPipeline(cmds ...*exec.Cmd) *Pipeline {
	p := &Pipeline{
		cmds:   cmds,
		joints: make([]joint, max(0, len(cmds)-1)),
		stages: make([]Stage, len(cmds)),
		done:   make(chan struct{}),
	}
	for i, cmd := range cmds {
		p.stages[i].Args = cmd.Args
	}
	return p
}

// Run starts the pipeline and waits for it: [Pipeline.Start], then
// [Pipeline.Wait].
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.Start(ctx); err != nil {
		return err
	}
	return p.Wait()
}

// Start starts all stages. If one can't be started the others are killed and
// waited for, and no process is left; what copies the first one's Stdin may stay
// until its Read returns. When ctx ends, all stages are killed. A pipeline starts
// once.
func (p *Pipeline) Start(ctx context.Context) error {
	return fail.With(breezeway.OpStart, kindPipeline, "", p.start(ctx))
}

func (p *Pipeline) start(ctx context.Context) error {
	if p == nil {
		return errNoCommands
	}
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.startStages(ctx); err != nil {
		p.err = fmt.Errorf("the pipeline was not started (%w)", err)
		close(p.done)
		return err
	}
	for i, cmd := range p.cmds {
		p.running.Go(func() { p.waitStage(i, cmd) })
	}
	var pumping sync.WaitGroup
	for i := range p.joints {
		pumping.Go(p.joints[i].pump)
	}
	stop := context.AfterFunc(ctx, p.kill)
	go func() {
		p.running.Wait()
		cancelled := !stop()
		p.closeJoints()
		pumping.Wait()
		p.err = p.verdict()
		if p.err != nil && cancelled {
			p.err = context.Cause(ctx)
		}
		close(p.done)
	}()
	return nil
}

// begin makes this the one Start.
func (p *Pipeline) begin(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.check(ctx)
	p.started = p.started || err == nil
	return err
}

func (p *Pipeline) check(ctx context.Context) error {
	switch {
	case p.started:
		return fmt.Errorf("the pipeline has been started already (%w)", os.ErrInvalid)
	case len(p.cmds) == 0:
		return errNoCommands
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	for i, cmd := range p.cmds {
		switch {
		case cmd.Process != nil:
			return p.stageError(i, errStarted)
		case i > 0 && cmd.Stdin != nil:
			return p.stageError(i, errStdinSet)
		case i < len(p.cmds)-1 && cmd.Stdout != nil:
			return p.stageError(i, errStdoutSet)
		}
	}
	return nil
}

var (
	errNoCommands = fmt.Errorf("the pipeline has no commands (%w)", os.ErrInvalid)
	errNotStarted = fmt.Errorf("the pipeline has not been started (%w)", os.ErrInvalid)

	errStdinSet  = fmt.Errorf("its Stdin is set, but it comes from the stage before (%w)", os.ErrInvalid)
	errStdoutSet = fmt.Errorf("its Stdout is set, but it goes to the next stage (%w)", os.ErrInvalid)
)

// startStages starts all of them, or none.
func (p *Pipeline) startStages(ctx context.Context) (err error) {
	var ends []*os.File // the children's
	defer func() {
		for _, f := range ends {
			f.Close()
		}
		if err != nil {
			p.closeJoints()
		}
	}()
	for i := range p.joints {
		j := &p.joints[i]
		var in, out *os.File
		if j.r, out, err = New(&Config{Direction: In}); err != nil {
			return err
		}
		ends = append(ends, out)
		if in, j.w, err = New(&Config{Direction: Out}); err != nil {
			return err
		}
		ends = append(ends, in)
		p.cmds[i].Stdout, p.cmds[i+1].Stdin = out, in
	}
	for i, cmd := range p.cmds {
		if err := cmd.Start(); err != nil {
			p.setStage(i, nil, err)
			p.abandon(ctx, p.cmds[:i])
			return p.stageError(i, err)
		}
	}
	return nil
}

// copyBound is how long what copies from and to killed processes may take to end.
const copyBound = 100 * time.Millisecond

// abandon kills the commands and waits for their processes. For what copies their
// standard streams it waits until ctx or copyBound ends: a Stdin that blocks can't
// be interrupted.
func (p *Pipeline) abandon(ctx context.Context, cmds []*exec.Cmd) {
	for _, cmd := range cmds {
		cmd.Process.Kill()
	}
	var copying sync.WaitGroup
	for i, cmd := range cmds {
		state, err := cmd.Process.Wait() // cmd.Wait would wait for Stdin too
		if err == nil && !state.Success() {
			err = &exec.ExitError{ProcessState: state}
		}
		p.setStage(i, state, err)
		copying.Go(func() { cmd.Wait() })
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		copying.Wait()
	}()
	bound := time.NewTimer(copyBound)
	defer bound.Stop()
	select {
	case <-copied:
	case <-ctx.Done():
	case <-bound.C:
	}
}

func (p *Pipeline) stageError(i int, err error) error {
	return fmt.Errorf("stage %d, %s: %w", i+1, p.cmds[i].Path, err)
}

func (p *Pipeline) waitStage(i int, cmd *exec.Cmd) {
	err := cmd.Wait()
	p.setStage(i, cmd.ProcessState, err)
}

func (p *Pipeline) setStage(i int, state *os.ProcessState, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stages[i].State, p.stages[i].Err = state, err
}

func (p *Pipeline) kill() {
	for _, cmd := range p.cmds {
		cmd.Process.Kill()
	}
}

func (p *Pipeline) closeJoints() {
	for i := range p.joints {
		p.joints[i].close()
	}
}

func (j *joint) close() {
	j.r.Close()
	j.w.Close()
}

// jointBuffer is as much as a pipe holds by default.
const jointBuffer = 64 << 10

// pump carries bytes until there are no more, or the next stage takes none.
func (j *joint) pump() {
	defer j.close()
	buf := make([]byte, jointBuffer)
	for {
		n, err := j.r.Read(buf)
		if n > 0 {
			n, werr := j.w.Write(buf[:n])
			j.bytes.Add(int64(n))
			if werr != nil {
				j.cut.Store(true)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// verdict joins the errors of the stages that failed.
func (p *Pipeline) verdict() error {
	var failed []error
	for i, s := range p.stages {
		if s.Err == nil || i < len(p.joints) && p.joints[i].cut.Load() && endedBySIGPIPE(s.State) {
			continue
		}
		failed = append(failed, p.stageError(i, s.Err))
	}
	return errors.Join(failed...)
}

// Wait waits until all stages have ended and their output has been passed on.
// It may be called many times. As with [exec.Cmd.Wait], it waits too for what
// copies a Stdin, Stdout or Stderr that is not an [os.File]; set cmd.WaitDelay
// to bound that.
//
// It returns nil if every stage exited with 0, with one exception: a stage that
// SIGPIPE ended because the next stage had stopped reading has not failed, since
// in "yes | head -1" nothing is wrong. (bash's pipefail counts it.) A program
// that catches the error instead and exits with another code, as all do on
// Windows, has failed. The error joins those of all stages that failed, so
// [errors.As] finds an [*exec.ExitError]. If ctx ended the pipeline, the error is
// its cause.
func (p *Pipeline) Wait() error {
	err := errNotStarted
	if p.isStarted() {
		<-p.done
		err = p.err
	}
	return fail.With(breezeway.OpWait, kindPipeline, "", err)
}

func (p *Pipeline) isStarted() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

// Stages returns what became of each command so far.
func (p *Pipeline) Stages() []Stage {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Stage(nil), p.stages...)
}

// Joints returns how many bytes have crossed from each stage to the next one so
// far: one number less than there are stages.
func (p *Pipeline) Joints() []int64 {
	if p == nil {
		return nil
	}
	bytes := make([]int64, len(p.joints))
	for i := range p.joints {
		bytes[i] = p.joints[i].bytes.Load()
	}
	return bytes
}
