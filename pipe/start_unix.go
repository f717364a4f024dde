//go:build unix

package pipe

import (
	"io"
	"os"
	"os/exec"
	"sync"
)

func pipeFromChild(s *settings) (r *os.File, w childEnd, err error) { return newPipe(s) }
func pipeToChild(s *settings) (r childEnd, w *os.File, err error)   { return newPipe(s) }

// lifeline is the pipe whose writing end this process holds until it ends, and
// children never do. One is enough for all of them.
var lifeline struct {
	mu   sync.Mutex
	r, w *os.File // nil until the first child needs it
}

// passLifeline passes the lifeline on and returns what to put into the child's
// environment.
func passLifeline(p *passing) (env []string, err error) {
	lifeline.mu.Lock()
	defer lifeline.mu.Unlock()
	if lifeline.r == nil {
		if lifeline.r, lifeline.w, err = newPipe(new(settings)); err != nil {
			return nil, err
		}
	}
	handle, err := p.pass(lifeline.r)
	return []string{lifelineVariable + "=" + handle}, err
}

// startBound starts cmd so that it ends when this process does.
func startBound(cmd *exec.Cmd) error { return startSignalled(cmd) }

// watchParent ends this process when the lifeline ends; handle may be empty.
func watchParent(handle string) error {
	if handle == "" {
		return nil
	}
	line, err := inheritedFile(handle)
	if err != nil {
		return err
	}
	go func() {
		if _, err := line.Read(make([]byte, 1)); err == io.EOF {
			os.Exit(1)
		}
	}()
	return nil
}
