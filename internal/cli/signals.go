package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// untilSignal returns a context that a signal ends which ends a process in good order.
// When stop was called another signal kills.
func untilSignal(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	some := heeded(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if len(some) == 0 {
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, some...)
}

// heeded returns those of the signals that this process doesn't ignore from its start,
// as with nohup. They stay ignored, for commands too.
func heeded(all ...os.Signal) []os.Signal {
	return slices.DeleteFunc(all, signal.Ignored)
}

// signals hears the signals that end a process, while this one waits or runs a
// command.
type signals struct {
	heard   chan os.Signal
	command chan commandGroup
	done    chan struct{}
}

// hearSignals returns a context that a signal ends, until there is a command to pass
// signals on to. Its cause then has the exit code that a shell gives a process that
// the signal ended.
func hearSignals(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{make(chan os.Signal, 8), make(chan commandGroup), make(chan struct{})}
	if some := heeded(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT); len(some) > 0 {
		signal.Notify(s.heard, some...)
	}
	go s.serve(cancel)
	return ctx, s
}

func (s *signals) serve(cancel context.CancelCauseFunc) {
	defer cancel(nil)
	var command commandGroup
	var early os.Signal
	for {
		select {
		case sig := <-s.heard:
			switch {
			case command == nil:
				early = sig
				cancel(&exit{code: exitSignal + int(sig.(syscall.Signal))})
			default:
				command.Signal(sig)
			}
		case command = <-s.command:
			if early != nil { // it came while the command was started
				command.Signal(early)
			}
		case <-s.done:
			return
		}
	}
}

// passTo passes signals on to a command from now on.
func (s *signals) passTo(command commandGroup) { s.command <- command }

// stop stops to hear signals.
func (s *signals) stop() {
	signal.Stop(s.heard)
	close(s.done)
}
