package ipcbench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// DefaultTime is how long a row is measured.
const DefaultTime = 300 * time.Millisecond

// DefaultSizes are the sizes of messages that are measured. 56 bytes are what a cache
// line holds beside a sequence number.
var DefaultSizes = []int{8, 56, 512, 4 << 10, 64 << 10, 1 << 20}

// Config says what is measured. The zero value means all, with the defaults.
type Config struct {
	Only  []string      // names of transports
	Sizes []int         // MinSize to MaxSize each
	Time  time.Duration // of a row
	Pin   []int         // the CPUs of this process and of its peers; none means any

	// Progress, if not nil, is called when a row begins.
	Progress func(row, rows int, r Row)

	// The tests' own.
	modes []Mode                 // nil means both
	ready func(peer *os.Process) // called when a row's processes are connected
}

// Run measures, row by row, until ctx ends. It leaves nothing behind: what killed
// processes left is removed by Run, and if Run's process is killed, by those that it started. If a row
// fails it returns the error with the rows before it.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	plan, absent, err := cfg.plan()
	if err != nil {
		return nil, err
	}
	report := &Report{Absent: absent, Rows: []Row{}}
	own, peers := -1, -1
	if len(cfg.Pin) == 2 {
		own, peers = cfg.Pin[0], cfg.Pin[1]
	}
	if err := pin(own); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("ipc-bench-%d-", os.Getpid()))
	if err != nil {
		return nil, err
	}
	defer sweep(dir)
	g, err := startGuard(dir)
	if err != nil {
		return nil, err
	}
	defer g.release()
	for i, r := range plan {
		if cfg.Progress != nil {
			cfg.Progress(i, len(plan), r)
		}
		s := &session{row: r, transport: find(r.Transport), dir: dir, cpu: peers, time: cfg.Time, ready: cfg.ready}
		if err := s.measure(ctx); err != nil {
			return report, fmt.Errorf("%s, %d bytes, %s: %w", r.Transport, r.Size, r.Mode, err)
		}
		report.add(s.row, s.limit)
	}
	return report, nil
}

// plan returns the rows to be measured, and why others are missing.
func (cfg *Config) plan() (rows []Row, absent []Absence, err error) {
	if len(cfg.Only) == 0 {
		cfg.Only = Transports()
	}
	if len(cfg.Sizes) == 0 {
		cfg.Sizes = DefaultSizes
	}
	if cfg.Time <= 0 {
		cfg.Time = DefaultTime
	}
	if cfg.modes == nil {
		cfg.modes = []Mode{Spin, Park}
	}
	for _, size := range cfg.Sizes {
		if size < MinSize || size > MaxSize {
			return nil, nil, fmt.Errorf("a message of %d bytes is not within %d and %d (%w)", size, MinSize, MaxSize, os.ErrInvalid)
		}
	}
	for _, t := range transports {
		if !slices.Contains(cfg.Only, t.name) {
			continue
		}
		for _, mode := range cfg.modes {
			for _, size := range cfg.Sizes {
				r := Row{Transport: t.name, Size: size, Mode: mode}
				if why := t.without(mode, size); why != "" {
					absent = addAbsence(absent, Absence{t.name, why})
					continue
				}
				rows = append(rows, r)
			}
		}
	}
	return rows, absent, nil
}

// addAbsence adds what isn't there yet.
func addAbsence(all []Absence, a Absence) []Absence {
	if slices.Contains(all, a) {
		return all
	}
	return append(all, a)
}

// sweep removes what is left of a run: its directory, in which only its processes write,
// and the objects of its name.
func sweep(dir string) {
	left, _ := os.ReadDir(dir)
	for _, f := range left {
		os.Remove(filepath.Join(dir, f.Name()))
	}
	os.Remove(dir)
	for _, t := range transports {
		t.removeObjects(dir)
	}
}
