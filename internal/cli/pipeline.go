package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
)

func newPipeline() *cobra.Command {
	p := &pipeline{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "pipeline 'COMMAND | COMMAND ...'",
		Short: "Run commands joined by pipes and show what flows",
		Long: `pipeline runs commands, the output of each joined to the input of the next. The
first one reads our standard input, the last one writes our standard output.

On a terminal it shows on standard error how fast bytes flow from stage to stage,
and at the end a table of how each stage ended and how many bytes it put out. The
last stage then writes to a pipe, not to the terminal; a program that needs the
terminal itself, such as less, wants --quiet.

Quotes, variables, ~ and patterns work as in a shell. No shell runs, so
redirections, && and the like are refused. On Windows a backslash is a character of
a path; only \" is a quote that is text, as programs there read their arguments.

The exit code is the last stage's, or with --pipefail that of the last stage that
failed (one that SIGPIPE ended, as in 'yes | head -1', failed with 141). A signal
makes it 128 + its number. If a command can't be started, nothing is run and the
exit code is 127 if there is no such program, and 126 otherwise.

With --json standard error gets at the end one object with these fields:
  seconds  how long it took
  stages   in their order, each with args, exit (the code as above), state (in
           words), bytes (its output)`,
		Example: `  ipc pipeline 'ps -ef | grep ssh'
  ipc pipeline --pipefail --stats 'cat "$HOME/a.log" | gzip' > a.log.gz
  ipc pipeline --quiet 'man ls | less'`,
		Args: takes(1, 1, "one argument: quote the whole pipeline"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&p.pipefail, "pipefail", false, "exit with the code of the last stage that failed")
	f.BoolVar(&p.stats, "stats", false, "show the table even if standard error is not a terminal")
	f.BoolVar(&p.json, "json", false, "print the table as JSON")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "show nothing, and leave the terminal to the last stage")
	return cmd
}

// pipeline is one run of pipeline.
type pipeline struct {
	pipefail, stats, json, quiet bool

	out, err screen
	p        *pipe.Pipeline
	cmds     []*exec.Cmd
	started  time.Time
	last     atomic.Int64 // bytes that the last stage has written
	line     statusLine
}

func (p *pipeline) run(ctx context.Context, text string) error {
	if p.quiet && (p.stats || p.json) {
		return usagef("--quiet excludes --stats and --json")
	}
	commands, err := splitPipeline(text)
	if err != nil {
		return err
	}
	for _, words := range commands {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stderr = os.Stderr
		p.cmds = append(p.cmds, cmd)
	}
	live := p.err.ansi && !p.quiet
	p.stats = p.stats || p.err.tty && !p.quiet
	p.cmds[0].Stdin = os.Stdin
	p.cmds[len(p.cmds)-1].Stdout = os.Stdout
	if p.stats || p.json {
		p.cmds[len(p.cmds)-1].Stdout = p
	}
	group, err := newCommandGroup()
	if err != nil {
		return err
	}
	defer group.release()
	for _, cmd := range p.cmds {
		group.enrol(cmd)
	}
	p.p = pipe.NewPipeline(p.cmds...)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	if some := heeded(endings...); len(some) > 0 {
		signal.Notify(signals, some...)
	}
	defer signal.Stop(signals)
	p.started = time.Now()
	if err := p.p.Start(ctx); err != nil {
		return startFailure(err)
	}
	group.started()
	ended := make(chan struct{})
	go passSignals(signals, ended, group, cancel)
	if live {
		p.line.screen = p.err
		go p.show(ended)
	}
	err = p.p.Wait()
	close(ended)
	p.line.close()
	p.report()
	return p.verdict(err)
}

// passSignals passes a signal on to the stages, and kills what they and their own
// processes have not ended after a second: they may have something to finish. cancel
// is told which signal it was.
func passSignals(signals <-chan os.Signal, ended <-chan struct{}, stages commandGroup, cancel context.CancelCauseFunc) {
	var sig os.Signal
	select {
	case <-ended:
		return
	case sig = <-signals:
	}
	stages.Signal(sig)
	select {
	case <-ended:
		return
	case sig = <-signals:
	case <-time.After(time.Second):
	}
	cancel(&exit{code: exitSignal + int(sig.(syscall.Signal))})
	stages.kill()
}

// Write takes the last stage's output.
func (p *pipeline) Write(b []byte) (n int, err error) {
	p.line.during(p.out.tty, func() { n, err = p.out.Write(b) })
	p.last.Add(int64(n))
	return n, err
}

// output returns how many bytes each stage has written.
func (p *pipeline) output() []int64 { return append(p.p.Joints(), p.last.Load()) }

// show draws the rates until the end.
func (p *pipeline) show(ended <-chan struct{}) {
	const pace = 200 * time.Millisecond
	tick := time.NewTicker(pace)
	defer tick.Stop()
	before, at := p.output(), time.Now()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		now, dt := p.output(), time.Since(at).Seconds()
		at = time.Now()
		var b strings.Builder
		for i, cmd := range p.cmds {
			fmt.Fprintf(&b, "%s → %s/s → ", programOf(cmd), size(int64(float64(now[i]-before[i])/dt)))
		}
		before = now
		p.line.draw(fmt.Sprintf("%s(%v)", strings.TrimSuffix(b.String(), "→ "), time.Since(p.started).Truncate(time.Second/10)))
	}
}

func programOf(cmd *exec.Cmd) string { return printable(filepath.Base(cmd.Args[0]), "") }

// report prints what each stage did.
func (p *pipeline) report() {
	stages, written := p.p.Stages(), p.output()
	if p.json {
		type stage struct {
			Args  []string `json:"args"`
			Exit  int      `json:"exit"`
			State string   `json:"state"`
			Bytes int64    `json:"bytes"`
		}
		var all struct {
			Seconds float64 `json:"seconds"`
			Stages  []stage `json:"stages"`
		}
		all.Seconds = time.Since(p.started).Seconds()
		for i, s := range stages {
			all.Stages = append(all.Stages, stage{s.Args, codeOf(s.State), s.State.String(), written[i]})
		}
		io.WriteString(p.err, jsonLine(all))
		return
	}
	if !p.stats {
		return
	}
	rows := [][]string{{"stage", "output", "end"}}
	for i, s := range stages {
		end := s.State.String()
		if code := codeOf(s.State); code != 0 && code != exitSignal+sigpipe {
			end = p.err.paint(red, end)
		}
		rows = append(rows, []string{printable(strings.Join(s.Args, " "), ""), size(written[i]), end})
	}
	io.WriteString(p.err, table(rows))
}

// verdict returns the exit code as an error.
func (p *pipeline) verdict(err error) error {
	var killed *exit
	if errors.As(err, &killed) {
		return killed
	}
	stages := p.p.Stages()
	code := codeOf(stages[len(stages)-1].State)
	for i := len(stages) - 1; code == 0 && p.pipefail && i >= 0; i-- {
		code = codeOf(stages[i].State)
	}
	if code != 0 {
		return &exit{code: code}
	}
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		return err // no stage failed, ipc did
	}
	return nil
}
