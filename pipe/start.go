package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// handlesVariable tells a child its handles: "IN,OUT" in decimal; it reads IN
// and writes OUT (docs/formats.md). lifelineVariable tells it, on Unix, the
// descriptor of a pipe that ends when its parent does. identityVariable tells which
// pipes these are, "HANDLE=IDENTITY" each: a process that inherits the variables,
// but not the pipes, has other files by those numbers.
const (
	handlesVariable  = "BREEZEWAY_PIPE"
	lifelineVariable = "BREEZEWAY_LIFELINE"
	identityVariable = "BREEZEWAY_PIPE_ID"
)

var startVariables = []string{handlesVariable, lifelineVariable, identityVariable}

// StartConfig adjusts [Start]. nil and the zero value mean the defaults.
type StartConfig struct {
	// BufferSize asks for so many bytes of buffer in the system, each way; see
	// New.
	BufferSize int

	// DieWithParent ends the child, as kill -9 does, when this process ends,
	// however that happens.
	//
	// On Linux the kernel does it, whatever the program, unless it is set-uid
	// or changes its user; the child is then started from a thread that Start
	// keeps for that, not from the caller's, and so with that thread's
	// attributes. A child that calls Inherited watches its parent itself
	// besides. On other Unix systems only such a child dies. On Windows the
	// child's own children die too; if this process is killed in the moment
	// between making the child and putting it into the job object, a suspended
	// process that has not run yet stays behind.
	DieWithParent bool
}

// Start starts cmd with a duplex pipe to it. Its standard streams stay what the
// caller made them. The caller closes the DuplexConn and calls cmd.Wait, in any
// order; neither does the other.
//
// The child finds its end with [Inherited] if it is a Breezeway program. Any
// other reads the environment variable BREEZEWAY_PIPE: two decimal numbers with
// a comma between them, the descriptor (on Windows the handle) that it reads
// from and the one that it writes to. In Python:
//
//	r, w = map(int, os.environ["BREEZEWAY_PIPE"].split(","))
//
// On Windows the handles are overlapped. A program that doesn't know that may
// call ReadFile and WriteFile without OVERLAPPED on them, from one thread for
// each; a WriteFile of nothing reads as [io.EOF] here.
//
// This process keeps no copy of the child's ends. So the child reads [io.EOF]
// when this process closes the DuplexConn or ends, and this process reads io.EOF
// when the child closes its end or ends, unless it passed the handles on to
// children of its own: one that calls Inherited first doesn't.
//
// An error of [exec.Cmd.Start] is returned inside a [*breezeway.Error].
func Start(cmd *exec.Cmd, cfg *StartConfig) (*DuplexConn, error) {
	if cfg == nil {
		cfg = new(StartConfig)
	}
	d, err := startChild(cmd, cfg)
	return d, fail.With(breezeway.OpStart, kindPipe, cmd.Path, err)
}

func startChild(cmd *exec.Cmd, cfg *StartConfig) (*DuplexConn, error) {
	if cmd.Process != nil {
		return nil, errStarted
	}
	s, err := (&Config{BufferSize: cfg.BufferSize}).settings()
	if err != nil {
		return nil, err
	}
	in, childOut, err := pipeFromChild(&s)
	if err != nil {
		return nil, err
	}
	defer childOut.Close()
	childIn, out, err := pipeToChild(&s)
	if err != nil {
		in.Close()
		return nil, err
	}
	defer childIn.Close()
	d := &DuplexConn{r: in, w: out, name: cmd.Path}
	if err := startWith(cmd, childIn, childOut, cfg.DieWithParent); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func startWith(cmd *exec.Cmd, in, out childEnd, dieWithParent bool) error {
	p := passing{cmd: cmd}
	inHandle, err := p.pass(in)
	if err != nil {
		return err
	}
	outHandle, err := p.pass(out)
	if err != nil {
		return err
	}
	env := []string{handlesVariable + "=" + inHandle + "," + outHandle}
	start := cmd.Start
	if dieWithParent {
		lifeline, err := passLifeline(&p)
		if err != nil {
			return err
		}
		env = append(env, lifeline...)
		start = func() error { return startBound(cmd) }
	}
	env = append(env, identityVariable+"="+strings.Join(p.identities, ","))
	// What this process's own parent told it is not the child's.
	cmd.Env = append(slices.DeleteFunc(cmd.Environ(), isStartVariable), env...)
	return start()
}

func isStartVariable(v string) bool {
	name, _, _ := strings.Cut(v, "=")
	return slices.Contains(startVariables, name)
}

// passing is what a child is given and told.
type passing struct {
	cmd        *exec.Cmd
	identities []string // HANDLE=IDENTITY
}

// pass makes the child inherit e and returns the handle.
func (p *passing) pass(e childEnd) (handle string, err error) {
	if handle, err = inherit(p.cmd, e); err != nil {
		return "", err
	}
	identity, err := identityOfEnd(e)
	p.identities = append(p.identities, handle+"="+identity)
	return handle, err
}

// taking makes concurrent calls of Inherited take what there is once.
var taking sync.Mutex

// Inherited returns this process's end of the pipe if its parent started it
// with [Start]; otherwise it fails with [os.ErrNotExist], also if it has the
// environment of a process that was, but not the pipe. The caller closes it.
//
// It takes the handles: it removes BREEZEWAY_PIPE, BREEZEWAY_PIPE_ID and
// BREEZEWAY_LIFELINE from the environment, so that
// children of this process don't think the pipe theirs, and from then on they
// don't inherit it. Call it once, before starting children. If the parent asked
// for DieWithParent this process, from now on, watches it and exits with it.
func Inherited() (*DuplexConn, error) {
	taking.Lock()
	defer taking.Unlock()
	d, err := takeInherited()
	return d, fail.With(breezeway.OpInherited, kindPipe, "", err)
}

func takeInherited() (*DuplexConn, error) {
	handles, ok := os.LookupEnv(handlesVariable)
	if !ok {
		return nil, fmt.Errorf("%s is not in the environment: no parent started this process with pipe.Start, or its pipe was taken already (%w)",
			handlesVariable, os.ErrNotExist)
	}
	lifeline := os.Getenv(lifelineVariable)
	identities := os.Getenv(identityVariable)
	for _, v := range startVariables {
		os.Unsetenv(v)
	}
	in, out, _ := strings.Cut(handles, ",")
	if err := checkIdentities(identities, in, out, lifeline); err != nil {
		return nil, err
	}
	r, err := inheritedFile(in)
	if err != nil {
		return nil, err
	}
	w, err := inheritedFile(out)
	if err != nil {
		r.Close()
		return nil, err
	}
	if err := watchParent(lifeline); err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &DuplexConn{r: r, w: w, name: "parent"}, nil
}

// checkIdentities returns nil if each of the handles leads to the pipe that the list
// names. A parent that is no Breezeway program gives no list.
func checkIdentities(list string, handles ...string) error {
	for entry := range strings.SplitSeq(list, ",") {
		handle, identity, _ := strings.Cut(entry, "=")
		if handle == "" || !slices.Contains(handles, handle) {
			continue
		}
		h, err := parseHandle(handle)
		if err != nil {
			return err
		}
		if now, err := identityOf(h); err != nil || now != identity {
			return fmt.Errorf("handle %s is not the pipe %s that pipe.Start passed: %s is left from another process, which had not taken its pipe before it started this one (%w)",
				handle, identity, handlesVariable, os.ErrNotExist)
		}
	}
	return nil
}
