//go:build unix

package pipe

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

func TestPipelineOfTools(t *testing.T) {
	var got bytes.Buffer
	last := exec.Command("head", "-n", "1")
	last.Stdout = &got
	p := NewPipeline(exec.Command("seq", "100000"), exec.Command("sort", "-rn"), last)
	if err := runPipeline(t, p); err != nil || got.String() != "100000\n" {
		t.Errorf("%q, %v; %+v", got.String(), err, p.Stages())
	}
}

func TestPipelineSIGPIPE(t *testing.T) {
	p := NewPipeline(exec.Command("yes"), exec.Command("head", "-n", "1"))
	if err := runPipeline(t, p); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	s := p.Stages()[0]
	if !errors.As(s.Err, &exit) || s.State.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
		t.Errorf("yes: %+v", s)
	}
}

// A SIGPIPE that the pipeline has not caused is a failure.
func TestPipelineForeignSIGPIPE(t *testing.T) {
	p := NewPipeline(exec.Command("sh", "-c", "kill -PIPE $$"), exec.Command("cat"))
	var exit *exec.ExitError
	if err := runPipeline(t, p); !errors.As(err, &exit) {
		t.Errorf("%v", err)
	}
}

// A process that a stage leaves behind with its output open does not keep the
// pipeline from ending.
func TestPipelineBackgroundProcess(t *testing.T) {
	r, w := newPair(t, nil) // cat ends when w closes
	first := exec.Command("sh", "-c", "cat <&3 & echo first")
	first.ExtraFiles = append(first.ExtraFiles, r)
	if err := runPipeline(t, NewPipeline(first, exec.Command("head", "-n", "1"))); err != nil {
		t.Error(err)
	}
	w.Close()
}
