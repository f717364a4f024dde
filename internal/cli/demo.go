package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// demos are the rows of ipc demo.
var demos = []demo{anonymousPipe, namedPipe, fifo, sharedMemory, mappedFile, semaphore, mutex, signalledEvent}

// demo shows one mechanism between two processes, which run server and client.
// Both are told of it by a player, end by themselves, and fail with an error.
type demo struct {
	mechanism string
	missing   string // why this system doesn't have it; "" if it does
	parental  bool   // the client starts the server, as its child
	server    func(*player) error
	client    func(*player) error
}

const (
	verdictOK          = "ok"
	verdictFailed      = "failed"
	verdictUnsupported = "unsupported"
)

// demoEvent is a line of demo's JSON, and what its processes tell it.
type demoEvent struct {
	Event     string `json:"event"` // exchange, row; among ourselves also ready, measured
	Mechanism string `json:"mechanism"`

	Process string `json:"process,omitempty"` // of an exchange: server or client
	PID     int    `json:"pid,omitempty"`
	Text    string `json:"text,omitempty"`

	Crossed    string        `json:"crossed,omitempty"` // of a row
	RoundTrips uint64        `json:"round_trips,omitempty"`
	P50        time.Duration `json:"p50_ns,omitempty"`
	P99        time.Duration `json:"p99_ns,omitempty"`
	Verdict    string        `json:"verdict,omitempty"`
	Error      string        `json:"error,omitempty"`
}

func newDemo() *cobra.Command {
	d := &demoRun{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See every mechanism at work between real processes",
		Long: `demo starts a server and a client process for every mechanism, one after the
other, shows what they exchange as it happens, and ends with a table: what
crossed, how long a round trip took in the middle (p50) and at worst but for one
in a hundred (p99), and whether all was right. It takes a few seconds, 15 at
most, leaves nothing behind, and exits with 1 if any exchange failed. What this
system lacks is unsupported, not failed.

With --json each line is an object with these fields, where they apply:
  event        exchange (as it happens) or row (of the table, at the end)
  mechanism    as in the table
  process      server or client; pid; text: what it did
  crossed      what crossed
  round_trips  how many were measured; p50_ns, p99_ns: in nanoseconds
  verdict      ok, failed or unsupported
  error        why`,
		Example: `  ipc demo
  ipc demo --json | jq 'select(.event == "row")'`,
		Args: takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&d.json, "json", false, "print JSON, one object per line")
	cmd.Flags().DurationVar(&d.limit, "limit", 14*time.Second, "give up after so long")
	cmd.Flags().MarkHidden("limit") // for tests
	return cmd
}

// demoRun is one run of demo.
type demoRun struct {
	json  bool
	limit time.Duration
	out   screen
	dir   string // where the processes leave their files
}

func (d *demoRun) run(ctx context.Context) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, d.limit, fmt.Errorf("not done after %v", d.limit))
	defer cancel()
	if d.dir, err = os.MkdirTemp("", "ipc-demo-"); err != nil {
		return err
	}
	defer d.sweep()
	var rows []demoEvent
	for i := range demos {
		rows = append(rows, d.play(ctx, &demos[i]))
	}
	d.report(rows)
	failed := func(r demoEvent) bool { return r.Verdict == verdictFailed }
	if slices.ContainsFunc(rows, failed) {
		return errors.New("an exchange failed")
	}
	return nil
}

// sweep removes what killed processes left. Nobody but them writes there.
func (d *demoRun) sweep() {
	left, _ := os.ReadDir(d.dir)
	for _, f := range left {
		os.Remove(filepath.Join(d.dir, f.Name()))
	}
	os.Remove(d.dir)
	removeNames(filepath.Base(d.dir))
}

// play lets the processes of a row run, and returns the row.
func (d *demoRun) play(ctx context.Context, demo *demo) demoEvent {
	row := demoEvent{Event: "row", Mechanism: demo.mechanism, Verdict: verdictUnsupported, Error: demo.missing}
	if demo.missing != "" {
		return row
	}
	row.Verdict = verdictOK
	if err := d.listenTo(ctx, demo, &row); err != nil {
		row.Verdict, row.Error = verdictFailed, err.Error()
	}
	return row
}

// listenTo runs the processes of a row and hears what they say. One pipe for
// both keeps it in the order in which they said it.
func (d *demoRun) listenTo(ctx context.Context, demo *demo, row *demoEvent) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	ready, silent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(silent)
		d.listen(r, row, sync.OnceFunc(func() { close(ready) }))
	}()
	err = d.runBoth(ctx, demo, w, ready)
	w.Close()
	<-silent
	if err == nil && row.RoundTrips == 0 {
		err = errors.New("no round trip was measured")
	}
	return err
}

// runBoth runs the processes of a row to their ends.
func (d *demoRun) runBoth(ctx context.Context, demo *demo, stdout *os.File, ready <-chan struct{}) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 2)
	start := func(role string) error {
		wait, err := d.start(ctx, demo, role, stdout)
		if err != nil {
			return err
		}
		go func() {
			err := wait()
			if err != nil {
				cancel(err) // the other one would wait for it
			}
			ended <- err
		}()
		return nil
	}
	running := 0
	if !demo.parental {
		if err := start("server"); err != nil {
			return err
		}
		select {
		case <-ready:
			running++
		case err := <-ended:
			return cmp.Or(err, errors.New("the server ended too early"))
		}
	}
	if err := start("client"); err != nil {
		cancel(err)
	} else {
		running++
	}
	for range running {
		<-ended
	}
	return context.Cause(ctx)
}

// listen hears what the processes of a row say.
func (d *demoRun) listen(r io.Reader, row *demoEvent, ready func()) {
	for in := bufio.NewScanner(r); in.Scan(); {
		var e demoEvent
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			continue
		}
		switch e.Event {
		case "exchange":
			d.show(e)
		case "ready":
			ready()
		case "measured":
			row.Crossed, row.RoundTrips, row.P50, row.P99 = e.Crossed, e.RoundTrips, e.P50, e.P99
		}
	}
}

// start starts one process. It is killed when ctx ends. wait returns when it has
// ended.
func (d *demoRun) start(ctx context.Context, demo *demo, role string, stdout *os.File) (wait func() error, err error) {
	cmd, err := (&player{demo, role, d.dir}).command(ctx)
	if err != nil {
		return nil, err
	}
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	cmd.WaitDelay = time.Second
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		defer lifeline.Close()
		err := cmd.Wait()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("the %s failed (%w): %s", role, err, strings.TrimSpace(stderr.String()))
		}
		return nil
	}, nil
}

// show prints an exchange.
func (d *demoRun) show(e demoEvent) {
	if d.json {
		io.WriteString(d.out, jsonLine(e))
		return
	}
	process := fmt.Sprintf("%s[%d]", e.Process, e.PID)
	fmt.Fprintf(d.out, "%s  %s  %s\n", d.out.paint(dim, fmt.Sprintf("%-15s", e.Mechanism)),
		d.out.paint(cyan, fmt.Sprintf("%-16s", process)), inert(e.Text, ""))
}

// report prints the table.
func (d *demoRun) report(rows []demoEvent) {
	if d.json {
		for _, r := range rows {
			io.WriteString(d.out, jsonLine(r))
		}
		return
	}
	cells := [][]string{{"mechanism", "what crossed", "p50", "p99", "verdict"}}
	for _, r := range rows {
		verdict := d.out.paint(map[string]string{verdictOK: green, verdictFailed: red, verdictUnsupported: dim}[r.Verdict], r.Verdict)
		if r.Error != "" {
			verdict += ": " + inert(r.Error, "")
		}
		p50, p99 := "-", "-"
		if r.RoundTrips > 0 {
			p50, p99 = micros(r.P50), micros(r.P99)
		}
		cells = append(cells, []string{r.Mechanism, r.Crossed, p50, p99, verdict})
	}
	fmt.Fprintf(d.out, "\n%s", table(cells))
}

func micros(d time.Duration) string {
	digits := 1
	if d < time.Microsecond {
		digits = 2
	}
	return fmt.Sprintf("%.*f µs", digits, float64(d)/1e3)
}
