package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

var (
	// takeFirst reads some of its input, and no more.
	takeFirst = role("take first", func() error {
		_, err := os.Stdin.Read(make([]byte, 1))
		return err
	})
	endless = role("endless", func() (err error) {
		for err == nil {
			_, err = os.Stdout.Write(make([]byte, 4096))
		}
		return err
	})
	failAtEnd = role("fail at the end", func() error {
		io.Copy(io.Discard, os.Stdin)
		return errors.New("failed as told to")
	})
)

func runPipeline(t testing.TB, p *Pipeline) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	defer cancel()
	err := p.Run(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the pipeline has not ended within %v", ipctest.Patience)
	}
	return err
}

func TestPipeline(t *testing.T) {
	text := bytes.Repeat([]byte("through three stages\n"), 50_000)
	cmds := []*exec.Cmd{roleCommand(t, copyInput), roleCommand(t, copyInput), roleCommand(t, copyInput)}
	var got bytes.Buffer
	cmds[0].Stdin, cmds[2].Stdout = bytes.NewReader(text), &got
	p := NewPipeline(cmds...)
	if err := runPipeline(t, p); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), text) {
		t.Errorf("%d bytes came out of %d", got.Len(), len(text))
	}
	if n, want := p.Joints(), []int64{int64(len(text)), int64(len(text))}; !slices.Equal(n, want) {
		t.Errorf("joints %v, want %v", n, want)
	}
	for i, s := range p.Stages() {
		if s.Err != nil || s.State == nil || !s.State.Success() || !slices.Equal(s.Args, cmds[i].Args) {
			t.Errorf("stage %d: %+v", i, s)
		}
	}
}

func TestPipelineOfOne(t *testing.T) {
	cmd := roleCommand(t, copyInput)
	var got bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader([]byte("alone")), &got
	p := NewPipeline(cmd)
	if err := runPipeline(t, p); err != nil || got.String() != "alone" || len(p.Joints()) != 0 {
		t.Errorf("%q, %v, joints %v", got.String(), err, p.Joints())
	}
}

func TestPipelineJointsWhileRunning(t *testing.T) {
	cmds := []*exec.Cmd{roleCommand(t, copyInput), roleCommand(t, copyInput)}
	in, err := cmds[0].StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmds[1].StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := NewPipeline(cmds...)
	if err := p.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "ten bytes.")
	if _, err := io.ReadFull(out, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	// They have crossed; the count follows at once.
	for start := time.Now(); p.Joints()[0] != 10; runtime.Gosched() {
		if time.Since(start) > ipctest.Patience {
			t.Fatalf("%v", p.Joints())
		}
	}
	if s := p.Stages()[0]; s.State != nil {
		t.Errorf("a running stage has ended: %+v", s)
	}
	in.Close()
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestPipelineEarlyExit(t *testing.T) {
	p := NewPipeline(roleCommand(t, endless), roleCommand(t, copyInput), roleCommand(t, takeFirst))
	err := runPipeline(t, p)
	stages := p.Stages()
	if stages[0].Err == nil || stages[1].Err == nil || stages[2].Err != nil {
		t.Errorf("stages: %+v", stages)
	}
	var exit *exec.ExitError
	switch {
	case runtime.GOOS != "windows" && err != nil:
		t.Errorf("SIGPIPE failed the pipeline: %v", err)
	case runtime.GOOS == "windows" && (!errors.As(err, &exit) || exit.ExitCode() != failedRole):
		t.Errorf("%v", err)
	}
}

func TestPipelineStageFails(t *testing.T) {
	p := NewPipeline(roleCommand(t, failAtEnd), roleCommand(t, failAtEnd), roleCommand(t, copyInput))
	err := runPipeline(t, p)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != failedRole {
		t.Errorf("%v", err)
	}
	for i, want := range []int{failedRole, failedRole, 0} {
		if got := p.Stages()[i].State.ExitCode(); got != want {
			t.Errorf("stage %d: exit code %d, want %d", i, got, want)
		}
	}
	if again := p.Wait(); fmt.Sprint(again) != fmt.Sprint(p.Wait()) || again == nil {
		t.Errorf("waited again: %v", again)
	}
	t.Log(err)
}

func TestPipelineCancel(t *testing.T) {
	p := NewPipeline(roleCommand(t, hang), roleCommand(t, copyInput), roleCommand(t, hang))
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	why := errors.New("had enough")
	cancel(why)
	if err := p.Wait(); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	for i, s := range p.Stages() {
		if s.State == nil {
			t.Errorf("stage %d has not ended", i)
		}
	}
}

func TestPipelineStartFails(t *testing.T) {
	p := NewPipeline(roleCommand(t, hang), roleCommand(t, copyInput), exec.Command("no-such-program-as-this"), roleCommand(t, copyInput))
	err := p.Start(context.Background())
	if ours := (*breezeway.Error)(nil); !errors.Is(err, exec.ErrNotFound) || !errors.As(err, &ours) {
		t.Errorf("%v", err)
	}
	stages := p.Stages()
	if stages[0].State == nil || stages[1].State == nil || !errors.Is(stages[2].Err, exec.ErrNotFound) || stages[3].Err != nil {
		t.Errorf("%+v", stages)
	}
	if err := p.Wait(); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("wait: %v", err)
	}
}

// A Stdin that blocks keeps no Start from ending, whose later stage can't start, nor
// any other call meanwhile.
func TestPipelineStartFailsWhileStdinBlocks(t *testing.T) {
	in, blocked := io.Pipe()
	defer blocked.Close()
	first := roleCommand(t, copyInput)
	first.Stdin = in
	p := NewPipeline(first, exec.Command("no-such-program-as-this"))
	ended := make(chan error, 1)
	go func() { ended <- p.Start(t.Context()) }()
	select {
	case err := <-ended:
		if !errors.Is(err, exec.ErrNotFound) {
			t.Error(err)
		}
	case <-time.After(ipctest.Patience):
		t.Fatal("Start waits for Stdin")
	}
	if s := p.Stages()[0]; s.State == nil || s.Err == nil {
		t.Errorf("the first stage was not waited for: %+v", s)
	}
	if err := p.Wait(); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("wait: %v", err)
	}
}

func TestPipelineMisuse(t *testing.T) {
	background := context.Background()
	if err := NewPipeline().Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("empty: %v", err)
	}
	p := NewPipeline(roleCommand(t, copyInput))
	if err := p.Wait(); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("not started: %v", err)
	}
	cancelled, cancel := context.WithCancel(background)
	cancel()
	if err := p.Start(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	if err := p.Run(background); err != nil {
		t.Error(err)
	}
	if err := p.Start(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("twice: %v", err)
	}
	set := roleCommand(t, copyInput)
	set.Stdin = os.Stdin
	if err := NewPipeline(roleCommand(t, copyInput), set).Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Stdin set: %v", err)
	}
	set = roleCommand(t, copyInput)
	set.Stdout = os.Stdout
	if err := NewPipeline(set, roleCommand(t, copyInput)).Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Stdout set: %v", err)
	}
}
