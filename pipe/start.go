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
// descriptor of a pipe that ends when its parent does.
const (
	handlesVariable  = "BREEZEWAY_PIPE"
	lifelineVariable = "BREEZEWAY_LIFELINE"
)

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
	inHandle, err := inherit(cmd, in)
	if err != nil {
		return err
	}
	outHandle, err := inherit(cmd, out)
	if err != nil {
		return err
	}
	// What this process's own parent told it is not the child's.
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool {
		return strings.HasPrefix(v, handlesVariable+"=") || strings.HasPrefix(v, lifelineVariable+"=")
	})
	cmd.Env = append(cmd.Env, handlesVariable+"="+inHandle+","+outHandle)
	if dieWithParent {
		return startBound(cmd)
	}
	return cmd.Start()
}

// taking makes concurrent calls of Inherited take what there is once.
var taking sync.Mutex

// Inherited returns this process's end of the pipe if its parent started it
// with [Start]; otherwise it fails with [os.ErrNotExist]. The caller closes it.
//
// It takes the handles: it removes BREEZEWAY_PIPE from the environment, so that
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
	os.Unsetenv(handlesVariable)
	in, out, _ := strings.Cut(handles, ",")
	r, err := inheritedFile(in)
	if err != nil {
		return nil, err
	}
	w, err := inheritedFile(out)
	if err != nil {
		r.Close()
		return nil, err
	}
	if err := watchParent(); err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &DuplexConn{r: r, w: w, name: "parent"}, nil
}
