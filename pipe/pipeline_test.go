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
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A helper's standard input is the test's line to it, so the stages of the
// pipelines here are made of the test binary in another way: by an argument.
func init() {
	if len(os.Args) < 3 || os.Args[1] != "pipeline stage" {
		return
	}
	code := 0
	switch os.Args[2] {
	case "copy":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			code = 3
		}
	case "first": // takes some, and no more
		os.Stdin.Read(make([]byte, 1))
	case "endless":
		for err := error(nil); err == nil; {
			_, err = os.Stdout.Write(make([]byte, 4096))
		}
		code = 3
	case "hang":
		time.Sleep(time.Hour)
	default: // an exit code
		io.Copy(io.Discard, os.Stdin)
		code, _ = strconv.Atoi(os.Args[2])
	}
	os.Exit(code)
}

func stage(t testing.TB, what string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(exe, "pipeline stage", what)
}

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
	cmds := []*exec.Cmd{stage(t, "copy"), stage(t, "copy"), stage(t, "copy")}
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
	cmd := stage(t, "copy")
	var got bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader([]byte("alone")), &got
	p := NewPipeline(cmd)
	if err := runPipeline(t, p); err != nil || got.String() != "alone" || len(p.Joints()) != 0 {
		t.Errorf("%q, %v, joints %v", got.String(), err, p.Joints())
	}
}

func TestPipelineJointsWhileRunning(t *testing.T) {
	cmds := []*exec.Cmd{stage(t, "copy"), stage(t, "copy")}
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
	p := NewPipeline(stage(t, "endless"), stage(t, "copy"), stage(t, "first"))
	err := runPipeline(t, p)
	stages := p.Stages()
	if stages[0].Err == nil || stages[1].Err == nil || stages[2].Err != nil {
		t.Errorf("stages: %+v", stages)
	}
	var exit *exec.ExitError
	switch {
	case runtime.GOOS != "windows" && err != nil:
		t.Errorf("SIGPIPE failed the pipeline: %v", err)
	case runtime.GOOS == "windows" && (!errors.As(err, &exit) || exit.ExitCode() != 3):
		t.Errorf("%v", err)
	}
}

func TestPipelineStageFails(t *testing.T) {
	p := NewPipeline(stage(t, "5"), stage(t, "7"), stage(t, "copy"))
	err := runPipeline(t, p)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("%v", err)
	}
	for i, want := range []int{5, 7, 0} {
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
	p := NewPipeline(stage(t, "hang"), stage(t, "copy"), stage(t, "hang"))
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
	p := NewPipeline(stage(t, "hang"), stage(t, "copy"), exec.Command("no-such-program-as-this"), stage(t, "copy"))
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

func TestPipelineMisuse(t *testing.T) {
	background := context.Background()
	if err := NewPipeline().Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("empty: %v", err)
	}
	p := NewPipeline(stage(t, "copy"))
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
	set := stage(t, "copy")
	set.Stdin = os.Stdin
	if err := NewPipeline(stage(t, "copy"), set).Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Stdin set: %v", err)
	}
	set = stage(t, "copy")
	set.Stdout = os.Stdout
	if err := NewPipeline(set, stage(t, "copy")).Run(background); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Stdout set: %v", err)
	}
}
