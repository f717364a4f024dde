package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// process is a process that has one role in a demo: server or client.
type process struct {
	demo *demo
	role string
	dir  string // for its files; the run's own
}

// Verb is the first argument of a process that [Run] starts. The others are for
// [Play].
const Verb = "demo-process"

// Play lets this process have its role: mechanism, role and directory.
func Play(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%s takes a mechanism, a role and a directory, not %q", Verb, args)
	}
	i := slices.IndexFunc(demos, func(d demo) bool { return d.mechanism == args[0] })
	if i < 0 {
		return fmt.Errorf("there is no demo of %q", args[0])
	}
	p := &process{&demos[i], args[1], args[2]}
	if p.role == "client" {
		go p.endWithParent()
		return p.demo.client(p)
	}
	if !p.demo.parental { // otherwise package pipe ends it with its parent
		go p.endWithParent()
	}
	return p.demo.server(p)
}

// endWithParent ends this process when its standard input does: the process that
// started it was killed, and leaves it to this one to remove what the run made.
func (p *process) endWithParent() {
	io.Copy(io.Discard, os.Stdin)
	sweep(p.dir)
	os.Exit(1)
}

// command returns the command that is this process. Names that derive from the
// temporary directory then lie in the run's own.
func (p *process) command(ctx context.Context) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, Verb, p.demo.mechanism, p.role, p.dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+p.dir)
	return cmd, nil
}

// startChild starts the server as a child of this process, with a pipe each way.
func (p *process) startChild() (*exec.Cmd, *pipe.DuplexConn, error) {
	cmd, err := (&process{p.demo, "server", p.dir}).command(context.Background())
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	c, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
	return cmd, c, err
}

// name returns a name for an object, which only this run uses.
func (p *process) name() string { return nameIn(p.dir) }

// say shows what the process does.
func (p *process) say(format string, args ...any) {
	p.tell(Event{Event: Exchange, Text: fmt.Sprintf(format, args...)})
}

// ready says that the client may come.
func (p *process) ready() { p.tell(Event{Event: ready}) }

func (p *process) tell(e Event) {
	e.Mechanism, e.Process, e.PID = p.demo.mechanism, p.role, os.Getpid()
	json.NewEncoder(os.Stdout).Encode(e)
}

const (
	roundTrips  = 300
	warmUp      = 20
	payloadSize = 64
)

// measure times round trips. trip makes n of them; crossed says what they carry.
func (p *process) measure(crossed string, trip func(n int) error) error {
	if err := trip(warmUp); err != nil {
		return err
	}
	var h bench.Histogram
	for range roundTrips {
		start := sys.Clock()
		if err := trip(1); err != nil {
			return err
		}
		h.Record(sys.Clock() - start)
	}
	p.tell(Event{Event: measured, Crossed: crossed, RoundTrips: h.Count(), P50: h.Percentile(50), P99: h.Percentile(99)})
	return nil
}

// measureEach is measure for trips that are made one by one.
func (p *process) measureEach(crossed string, trip func() error) error {
	return p.measure(crossed, func(n int) error {
		for range n {
			if err := trip(); err != nil {
				return err
			}
		}
		return nil
	})
}
