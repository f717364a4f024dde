package worker

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

const (
	// DefaultGrace is how long a cancelled function has to return, unless
	// [Config.Grace] says otherwise.
	DefaultGrace = 5 * time.Second
	// mostWorkers bounds [Config.Workers]; each is a process with some ten descriptors.
	mostWorkers = 4096
)

// Config adjusts a [Pool]. nil and the zero value mean the defaults; [Start] copies it.
type Config struct {
	// Workers is how many processes serve the pool. 0 means GOMAXPROCS.
	Workers int

	// Timeout bounds each call from the moment that a worker has it; waiting for a free
	// worker doesn't count. After it the call ends as if its ctx had been cancelled, with
	// [context.DeadlineExceeded]. 0 means no bound.
	Timeout time.Duration

	// Grace is how long a function may go on after its ctx was cancelled. Then its
	// process is killed. 0 means DefaultGrace.
	Grace time.Duration

	// MaxCalls replaces a process after so many calls, but not that of a [Key]. 0 means
	// never.
	MaxCalls int

	// MaxMemory replaces a process, but not that of a [Key], after a call if it has more
	// bytes of memory resident (Linux and Windows; elsewhere Start fails with [errors.ErrUnsupported]). A single
	// call may exceed it; the hard bound is Limits.Memory. 0 means no bound.
	MaxMemory int64

	// Retry is how many times more a call of an idempotent function (see
	// [Func.Idempotent]) is tried whose worker died. 0 means not at all.
	Retry int

	// Limits bounds what each process can take of the system.
	Limits Limits

	// Env is added to the environment of the workers, as in [exec.Cmd]; later entries
	// replace earlier ones, and those of this process. Dir is their working directory;
	// "" is that of this process when the worker starts.
	Env []string
	Dir string

	// Stderr gets what workers write to their standard output and standard error. Writes
	// are not concurrent; while one blocks, functions that write wait too. nil means
	// [os.Stderr].
	Stderr io.Writer

	// Logger is told of processes that die, that are replaced and that can't be
	// started. nil is silent.
	Logger *slog.Logger
}

// Limits bounds what a process can take. 0 means what this process itself may.
type Limits struct {
	// Memory is how many bytes of data a process may have: RLIMIT_DATA on Linux, the
	// committed memory of the process on Windows. What exceeds it ends the process, as
	// running out of memory does in Go. Go itself takes some 10 MiB.
	Memory int64
	// CPU is how much processor time a process may use before the system kills it. On
	// Linux it is rounded up to seconds.
	CPU time.Duration
	// Files is how many descriptors a process may have open (Linux). Go itself and the
	// connection to the pool take some ten.
	Files int
}

// settings is a checked copy of a Config.
type settings struct{ Config }

func (c *Config) settings() (settings, error) {
	var s settings
	if c != nil {
		s.Config = *c
		s.Env = slices.Clone(c.Env)
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Stderr == nil {
		s.Stderr = os.Stderr
	}
	if s.Workers == 0 {
		s.Workers = runtime.GOMAXPROCS(0)
	}
	if s.Grace == 0 {
		s.Grace = DefaultGrace
	}
	return s, s.check()
}

func (s *settings) check() error {
	if s.Workers < 0 || s.Workers > mostWorkers {
		return fmt.Errorf("%s %d is not within 0 and %d (%w)", fail.Go("Config.Workers"), s.Workers, mostWorkers, os.ErrInvalid)
	}
	for _, option := range []struct {
		name  fail.Go
		value int64
	}{
		{fail.Go("Config.Timeout"), int64(s.Timeout)}, {fail.Go("Config.Grace"), int64(s.Grace)},
		{fail.Go("Config.MaxCalls"), int64(s.MaxCalls)}, {fail.Go("Config.MaxMemory"), s.MaxMemory},
		{fail.Go("Config.Retry"), int64(s.Retry)}, {fail.Go("Limits.Memory"), s.Limits.Memory},
		{fail.Go("Limits.CPU"), int64(s.Limits.CPU)}, {fail.Go("Limits.Files"), int64(s.Limits.Files)},
	} {
		if option.value < 0 {
			return fmt.Errorf("%s %d is negative (%w)", option.name, option.value, os.ErrInvalid)
		}
	}
	if s.Limits.Files > math.MaxInt32 {
		return fmt.Errorf("%s %d is above %d (%w)", fail.Go("Limits.Files"), s.Limits.Files, math.MaxInt32, os.ErrInvalid)
	}
	return s.supported()
}
