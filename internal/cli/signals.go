package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// endings are the signals that end a process in good order. Without a handler SIGQUIT
// would print goroutines, and exit with the code of wrong usage.
var endings = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// untilSignal returns a context that a signal ends which ends a process in good order.
// When stop was called another signal kills.
func untilSignal(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	some := heeded(endings...)
	if len(some) == 0 {
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, some...)
}

// heeded returns those of the signals that this process doesn't ignore from its start,
// as with nohup. They stay ignored, for commands too.
func heeded(all ...os.Signal) []os.Signal {
	return slices.DeleteFunc(slices.Clone(all), signal.Ignored)
}

// signals hears the signals that end a process, while this one waits or runs a
// command.
type signals struct {
	heard   chan os.Signal
	command chan commandGroup
	passed  chan struct{}
	done    chan struct{}
}

// hearSignals returns a context that a signal ends, until there is a command to pass
// signals on to. Its cause then has the exit code that a shell gives a process that
// the signal ended.
func hearSignals(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{make(chan os.Signal, 8), make(chan commandGroup), make(chan struct{}), make(chan struct{})}
	if some := heeded(endings...); len(some) > 0 {
		signal.Notify(s.heard, some...)
	}
	go s.serve(cancel)
	return ctx, s
}

func (s *signals) serve(cancel context.CancelCauseFunc) {
	defer cancel(nil)
	var command commandGroup
	var last os.Signal
	end := func() { cancel(&exit{code: exitSignal + int(last.(syscall.Signal))}) }
	for {
		select {
		case last = <-s.heard:
			if command == nil {
				end()
			} else {
				command.Signal(last)
			}
		case command = <-s.command:
			switch {
			case last == nil:
			case command == nil: // it came while the command ran
				end()
			default: // it came while the command was started
				command.Signal(last)
			}
			s.passed <- struct{}{}
		case <-s.done:
			return
		}
	}
}

// passTo passes signals on to a command from now on. With nil the command has ended: then
// a signal ends the context, also one that the command got.
func (s *signals) passTo(command commandGroup) {
	s.command <- command
	<-s.passed
}

// stop stops to hear signals.
func (s *signals) stop() {
	signal.Stop(s.heard)
	close(s.done)
}
