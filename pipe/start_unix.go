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

// lifeline returns the pipe whose writing end this process holds until it ends,
// and children never do. One is enough for all of them.
var lifeline = sync.OnceValues(func() (line struct{ r, w *os.File }, err error) {
	line.r, line.w, err = os.Pipe()
	return line, err
})

// startBound starts cmd so that it ends when this process does.
func startBound(cmd *exec.Cmd) error {
	line, err := lifeline()
	if err != nil {
		return err
	}
	handle, err := inherit(cmd, line.r)
	if err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, lifelineVariable+"="+handle)
	return startSignalled(cmd)
}

// watchParent ends this process when its parent ends, if that asked for it.
func watchParent() error {
	handle, ok := os.LookupEnv(lifelineVariable)
	if !ok {
		return nil
	}
	os.Unsetenv(lifelineVariable)
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
