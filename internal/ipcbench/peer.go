package ipcbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// Verb is the first argument of a process that [Run] starts. It takes no other: what it
// is to do it hears on its standard input.
const Verb = "bench-peer"

// orphaned is the exit code of a peer whose input has ended.
const orphaned = 3

// task is the first line that the peer hears, as JSON.
type task struct {
	Transport string   `json:"transport"`
	Mode      Mode     `json:"mode"`
	Size      int      `json:"size"`
	Dir       string   `json:"dir"`
	Handles   []string `json:"handles,omitempty"`
	CPU       int      `json:"cpu"` // -1 means any
}

// The other lines: what comes in the next window, until the line or a message says that
// it is over, or the end of the row.
const (
	bounceWindow  = "bounce"
	trafficWindow = "traffic"
	endOfRow      = "end"
)

// reply is a line that the peer says.
type reply struct {
	Ready   bool   `json:"ready,omitempty"`
	Address string `json:"address,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Play makes this process the peer of a row.
func Play(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments", Verb)
	}
	ignoreSignals()
	p := &peer{say: json.NewEncoder(os.Stdout), lines: make(chan string)}
	in := bufio.NewReader(os.Stdin)
	if err := p.hearTask(in); err != nil {
		return err
	}
	go p.listen(in)
	if err := p.work(); err != nil {
		p.say.Encode(reply{Error: err.Error()})
	}
	return nil
}

// ignoreSignals leaves signals to the process that runs the benchmark: when they end
// that, for example by Ctrl-C, this process's input ends too.
func ignoreSignals() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
}

// peer is the other process of a row.
type peer struct {
	task
	transport *transport
	say       *json.Encoder
	lines     chan string
}

func (p *peer) hearTask(in *bufio.Reader) error {
	text, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s is started by `ipc bench` (%w)", Verb, err)
	}
	if err := json.Unmarshal(text, &p.task); err != nil {
		return err
	}
	if p.transport = find(p.Transport); p.transport == nil || p.Size < MinSize || p.Size > MaxSize {
		return fmt.Errorf("no transport %q for messages of %d bytes", p.Transport, p.Size)
	}
	return nil
}

// listen hears the lines, and ends this process when the other one has ended: it leaves
// to this one to remove what the run has made.
func (p *peer) listen(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			sweep(p.Dir)
			os.Exit(orphaned)
		}
		p.lines <- line[:len(line)-1]
	}
}

func (p *peer) work() (err error) {
	if err := pin(p.CPU); err != nil {
		return err
	}
	e := &end{
		mode: p.Mode, size: p.Size, dir: p.Dir, handles: p.Handles,
		ctx: context.Background(), stopped: new(atomic.Bool),
		ready: func(address string) { p.say.Encode(reply{Ready: true, Address: address}) },
	}
	line, err := mapLine(e.path(lineFile))
	if err != nil {
		return err
	}
	defer line.Close()
	l, err := p.transport.serve(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for {
		switch what := <-p.lines; what {
		case bounceWindow:
			line.answer()
		case trafficWindow:
			if err := serveWindow(l, p.Size); err != nil {
				if errors.Is(err, io.EOF) {
					err = nil // the other process says why, or has ended
				}
				return err
			}
		case endOfRow:
			return nil
		default:
			return fmt.Errorf("there is no window %q", what)
		}
	}
}
