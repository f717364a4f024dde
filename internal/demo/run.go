package demo

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Run runs the demos one after the other until ctx ends, and returns a row for
// each. It calls show for what happens, as it happens. It leaves nothing behind:
// what killed processes left is removed by Run, and if Run's process is killed, by
// those that it started.
func Run(ctx context.Context, show func(Event)) (rows []Event, err error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("ipc-demo-%d-", os.Getpid()))
	if err != nil {
		return nil, err
	}
	defer sweep(dir)
	for i := range demos {
		r := &run{demo: &demos[i], dir: dir, show: show}
		rows = append(rows, r.row(ctx))
	}
	return rows, nil
}

// exchangeLimit is how long a demo may take: enough for a machine that is slow and busy,
// and little enough for all to end within 15 s where one of them hangs. Tests change it.
var exchangeLimit = 10 * time.Second

// nameIn returns the name that the objects have of a run whose directory is dir.
func nameIn(dir string) string { return filepath.Base(dir) }

// sweep removes what is left of a run: its directory, in which only its processes
// write, and the objects of its name.
func sweep(dir string) {
	left, _ := os.ReadDir(dir)
	for _, f := range left {
		os.Remove(filepath.Join(dir, f.Name()))
	}
	os.Remove(dir)
	for _, d := range demos {
		if d.remove != nil && d.missing == "" {
			d.remove(nameIn(dir))
		}
	}
}

// run is one run of a demo.
type run struct {
	demo *demo
	dir  string // where the processes leave their files
	show func(Event)
	fig  Event // the figures
}

// row lets the processes run, and returns how that ended.
func (r *run) row(ctx context.Context) Event {
	row := Event{Event: Row, Mechanism: r.demo.mechanism, Verdict: Unsupported, Error: r.demo.missing}
	if r.demo.missing != "" {
		return row
	}
	ctx, cancel := context.WithTimeoutCause(ctx, exchangeLimit, fmt.Errorf("not done after %v", exchangeLimit))
	defer cancel()
	err := r.listenTo(ctx)
	row.Crossed, row.RoundTrips, row.P50, row.P99 = r.fig.Crossed, r.fig.RoundTrips, r.fig.P50, r.fig.P99
	row.Verdict = OK
	if err != nil {
		row.Verdict, row.Error = Failed, err.Error()
	}
	return row
}

// listenTo runs the processes and hears what they say. One pipe for both keeps it
// in the order in which they said it.
func (r *run) listenTo(ctx context.Context) error {
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	isReady, silent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(silent)
		r.listen(in, sync.OnceFunc(func() { close(isReady) }))
	}()
	err = r.both(ctx, out, isReady)
	out.Close()
	<-silent
	if err == nil && r.fig.RoundTrips == 0 {
		err = errors.New("no round trip was measured")
	}
	return err
}

// listen hears what the processes say.
func (r *run) listen(in io.Reader, isReady func()) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue
		}
		switch e.Event {
		case Exchange:
			r.show(e)
		case ready:
			isReady()
		case measured:
			r.fig = e
		}
	}
}

// both runs the processes to their ends.
func (r *run) both(ctx context.Context, stdout *os.File, isReady <-chan struct{}) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 2)
	start := func(role string) error {
		wait, err := r.start(ctx, role, stdout)
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
	if !r.demo.parental {
		if err := start("server"); err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		select {
		case <-isReady:
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

// start starts one process. It is killed when ctx ends. wait returns when it has
// ended.
func (r *run) start(ctx context.Context, role string, stdout *os.File) (wait func() error, err error) {
	cmd, err := (&process{r.demo, role, r.dir}).command(ctx)
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
