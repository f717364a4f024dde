package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/chart"
	"github.com/breezeway-ipc/breezeway/internal/ipcbench"
	"github.com/spf13/cobra"
)

func newBench() *cobra.Command {
	b := &benchmark{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure every transport between two processes",
		Long: `bench sends messages between itself and a process that it starts, over every transport
that this system has, and prints a row for each transport, size of message and way to
wait: spinning (looking again and again, which keeps a processor busy at each end) and
parked (asleep until a message comes). Both ends write and read every cache line of a
message. It takes about a minute, and wants the machine for itself; --pin makes figures
steadier.

A round trip is a message there and one of the same size back: its median (p50), p99,
p99.9 and maximum. Messages per second, throughput and the processor time of both
processes are those of messages in one direction.

"of limit" is the time of a round trip as a multiple of what this machine can do at
best: a cache line that the two processes bounce by bare spinning. That is measured just
before and after, and only where both are about equal is anything compared; a - says
that they never were. mq spins by itself only for as long as that pays off.

--svg and --html draw the charts. A picture whose name ends in -light.svg or -dark.svg
is for that colour scheme; any other adapts to its reader's.

Transports: ` + strings.Join(ipcbench.Transports(), ", ") + `.

With --json it prints one object with these fields:
  limit_rtt_ns  the limit: the bounce there and back, in nanoseconds
  rows          transport, size (bytes), mode (spin or park); rtt_p50_ns, rtt_p99_ns,
                rtt_p999_ns, rtt_max_ns; rtt_over_limit (null if unknown); msgs_per_s,
                bytes_per_s; cpu_s_per_million (messages)`,
		Example: `  ipc bench
  ipc bench --only unix,mq --sizes 64,64K --time 100ms --pin 0,1
  ipc bench --only mq --sizes 56 --json > old.json
  ipc bench --only mq --sizes 56 --compare old.json
  ipc bench --only mq --sizes 56,4K --html out.html --svg chart-light.svg --svg chart-dark.svg`,
		Args: takes(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&b.only, "only", nil, "measure these `TRANSPORTS` only, separated by commas")
	f.StringSliceVar(&b.sizes, "sizes", nil, "measure these `SIZES` (default 8,56,512,4K,64K,1M)")
	f.DurationVar(&b.time, "time", ipcbench.DefaultTime, "measure each row for so long")
	f.StringVar(&b.pin, "pin", "", "run the two processes on these `CPUS`, such as 0,1")
	f.BoolVar(&b.json, "json", false, "print JSON")
	f.StringVar(&b.html, "html", "", "write a page with charts to `FILE`")
	f.StringArrayVar(&b.svg, "svg", nil, "write the charts to `FILE`; see above")
	f.StringVar(&b.compare, "compare", "", "print what has changed since `FILE`, which --json has printed")
	cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(ipcbench.Transports(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// newBenchPeer and newBenchGuard are the hidden verbs that ipc bench starts itself with.
func newBenchPeer() *cobra.Command  { return hidden(ipcbench.Verb, ipcbench.Play) }
func newBenchGuard() *cobra.Command { return hidden(ipcbench.GuardVerb, ipcbench.Guard) }

func hidden(verb string, run func(args []string) error) *cobra.Command {
	return &cobra.Command{
		Use:                verb,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(_ *cobra.Command, args []string) error { return run(args) },
	}
}

// benchmark is one run of bench.
type benchmark struct {
	only, sizes []string
	time        time.Duration
	pin         string
	json        bool
	html        string
	svg         []string
	compare     string

	out, err screen
}

func (b *benchmark) run(ctx context.Context) error {
	cfg, err := b.config()
	if err != nil {
		return err
	}
	var old *ipcbench.Report
	if b.compare != "" {
		if old, err = ipcbench.ReadReport(b.compare); err != nil {
			return err
		}
	}
	for _, file := range b.files() {
		if info, err := os.Stat(filepath.Dir(file)); err != nil {
			return err
		} else if !info.IsDir() {
			return usagef("%s is no directory", filepath.Dir(file))
		}
	}
	report, err := b.measure(ctx, cfg)
	if report == nil {
		return err
	}
	return errors.Join(b.print(report, old, err != nil), err)
}

// measure measures, with a line that shows how far it is.
func (b *benchmark) measure(ctx context.Context, cfg ipcbench.Config) (*ipcbench.Report, error) {
	ctx, s := hearSignals(ctx)
	defer s.stop()
	line := &statusLine{screen: b.err}
	defer line.close()
	if b.err.ansi {
		started := time.Now()
		cfg.Progress = func(row, rows int, r ipcbench.Row) {
			left := ""
			if row > 0 {
				each := time.Since(started) / time.Duration(row)
				left = fmt.Sprintf(", %v left", (each * time.Duration(rows-row)).Round(time.Second))
			}
			line.draw(fmt.Sprintf("%d of %d: %s, %s, %s%s", row+1, rows, r.Transport, ipcbench.Size(r.Size), r.Mode, left))
		}
	}
	return ipcbench.Run(ctx, cfg)
}

// files are those to be written.
func (b *benchmark) files() []string {
	if b.html == "" {
		return b.svg
	}
	return append([]string{b.html}, b.svg...)
}

// print prints the report, or what there is of it, and writes the files if all is there.
func (b *benchmark) print(r, old *ipcbench.Report, broken bool) error {
	if broken && (b.json || len(r.Rows) == 0) {
		return nil
	}
	text := benchTable(r)
	switch {
	case b.json:
		text = jsonLine(r)
	case old != nil:
		text += "\n" + changeTable(r, old)
	}
	if _, err := io.WriteString(b.out, text); err != nil || broken {
		return err
	}
	return b.write(r)
}

func (b *benchmark) write(r *ipcbench.Report) error {
	if b.html != "" {
		var page bytes.Buffer
		where := fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
		if err := r.HTML(&page, where, time.Now()); err != nil {
			return err
		}
		if err := os.WriteFile(b.html, page.Bytes(), 0o666); err != nil {
			return err
		}
	}
	for _, file := range b.svg {
		scheme := chart.Either
		switch {
		case strings.HasSuffix(file, "-light.svg"):
			scheme = chart.Light
		case strings.HasSuffix(file, "-dark.svg"):
			scheme = chart.Dark
		}
		if err := os.WriteFile(file, r.Figure().SVG(scheme), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// config checks the flags.
func (b *benchmark) config() (cfg ipcbench.Config, err error) {
	cfg = ipcbench.Config{Only: b.only, Time: b.time}
	if b.json && b.compare != "" {
		return cfg, usagef("--compare prints a table: leave out --json")
	}
	known := ipcbench.Transports()
	for _, name := range b.only {
		if !slices.Contains(known, name) {
			return cfg, usagef("there is no transport %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	if b.time <= 0 {
		return cfg, usagef("--time %v: give a time above 0", b.time)
	}
	for _, text := range b.sizes {
		var n byteSize
		if err := n.Set(text); err != nil {
			return cfg, usagef("--sizes %q: %w", text, err)
		}
		if n < ipcbench.MinSize || n > ipcbench.MaxSize {
			return cfg, usagef("--sizes %s: a message has %d bytes to %s", text, ipcbench.MinSize, ipcbench.Size(ipcbench.MaxSize))
		}
		cfg.Sizes = append(cfg.Sizes, int(n))
	}
	slices.Sort(cfg.Sizes)
	cfg.Sizes = slices.Compact(cfg.Sizes)
	cfg.Pin, err = b.processors()
	return cfg, err
}

// processors returns the CPUs of --pin.
func (b *benchmark) processors() (cpus []int, err error) {
	if b.pin == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(b.pin, ",") {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, usagef("--pin %s: give the numbers of two CPUs, such as 0,1", b.pin)
		}
		cpus = append(cpus, int(n))
	}
	if len(cpus) != 2 {
		return nil, usagef("--pin %s: give two CPUs, one for each process, such as 0,1", b.pin)
	}
	return cpus, nil
}
