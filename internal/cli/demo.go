package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/demo"
	"github.com/spf13/cobra"
)

// runDemo is what shows the mechanisms. Tests replace it.
var runDemo = demo.Run

func newDemo() *cobra.Command {
	d := &demoScreen{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See mechanisms at work between real processes",
		Long: `demo starts a server and a client process for one mechanism after the other, shows what
they exchange as it happens, and ends with a table: what crossed, how long a round trip
took in the middle (p50) and at worst but for one in a hundred (p99), and whether all
was right. It takes a few seconds, leaves nothing behind, and exits with 1 if any
exchange failed; one that hangs has failed after 10 seconds. What this system lacks is
unsupported, not failed.

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
	return cmd
}

// newDemoProcess is the hidden verb that ipc demo starts itself with.
func newDemoProcess() *cobra.Command {
	return &cobra.Command{
		Use:                demo.Verb,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(_ *cobra.Command, args []string) error { return demo.Play(args) },
	}
}

// demoScreen shows one run of demo.
type demoScreen struct {
	json bool
	out  screen
	err  error // of the first write that failed
}

// print writes to standard output. The demo goes on if that fails, so that nothing
// is left behind.
func (d *demoScreen) print(text string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.out, text)
	}
}

func (d *demoScreen) run(ctx context.Context) error {
	ctx, stop := untilSignal(ctx)
	defer stop()
	rows, err := runDemo(ctx, d.show)
	if err != nil {
		return err
	}
	d.report(rows)
	if slices.ContainsFunc(rows, func(r demo.Event) bool { return r.Verdict == demo.Failed }) {
		return errors.Join(errors.New("an exchange failed"), d.err)
	}
	return d.err
}

// show prints an exchange.
func (d *demoScreen) show(e demo.Event) {
	if d.json {
		d.print(jsonLine(e))
		return
	}
	process := fmt.Sprintf("%s[%d]", e.Process, e.PID)
	d.print(fmt.Sprintf("%s  %s  %s\n", d.out.paint(dim, fmt.Sprintf("%-15s", e.Mechanism)),
		d.out.paint(cyan, fmt.Sprintf("%-16s", process)), printable(e.Text, "")))
}

// verdictColours are the colours of verdicts.
var verdictColours = map[string]string{demo.OK: green, demo.Failed: red, demo.Unsupported: dim}

// report prints the table.
func (d *demoScreen) report(rows []demo.Event) {
	if d.json {
		for _, r := range rows {
			d.print(jsonLine(r))
		}
		return
	}
	cells := [][]string{{"mechanism", "what crossed", "p50", "p99", "verdict"}}
	for _, r := range rows {
		verdict := d.out.paint(verdictColours[r.Verdict], r.Verdict)
		if r.Error != "" {
			verdict += ": " + printable(r.Error, "")
		}
		p50, p99 := "-", "-"
		if r.RoundTrips > 0 {
			p50, p99 = micros(r.P50), micros(r.P99)
		}
		cells = append(cells, []string{r.Mechanism, r.Crossed, p50, p99, verdict})
	}
	d.print("\n" + table(cells))
}

func micros(d time.Duration) string {
	digits := 1
	if d < time.Microsecond {
		digits = 2
	}
	return fmt.Sprintf("%.*f µs", digits, float64(d)/1e3)
}
