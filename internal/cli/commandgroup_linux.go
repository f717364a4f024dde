package cli

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watchVerb is the first argument of the process that leads a group, and watches
// whether this one lives.
const watchVerb = "watch-group"

// processGroup is a process group of its own, whose leader is a watcher. On a terminal it
// is in the foreground in place of this process's group: what is typed is the commands'.
type processGroup struct {
	id      int
	watcher *exec.Cmd
	life    *os.File // a pipe that the watcher reads; it ends when this process does
	tty     *os.File // nil if this process has no terminal
}

func newCommandGroup() (commandGroup, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	watcher := exec.Command(exe, watchVerb)
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	watcher.Stdin = stdin
	ready, err := watcher.StdoutPipe()
	if err == nil {
		err = watcher.Start()
	}
	if err != nil {
		life.Close()
		return nil, err
	}
	g := &processGroup{id: watcher.Process.Pid, watcher: watcher, life: life}
	// A signal to the group that comes before the watcher ignores it would end it.
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		g.release()
		return nil, fmt.Errorf("the process that watches the commands did not start: %w", err)
	}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		g.tty = tty
		pass(tty, unix.Getpgrp(), g.id)
	}
	return g, nil
}

// watchGroup is the watcher: it kills its group, itself included, when its input ends
// without a byte. If its group has the terminal's foreground, its parent's gets that back.
func watchGroup() error {
	parents, _ := unix.Getpgid(os.Getppid())
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	if _, err := os.Stdout.Write([]byte{1}); err != nil {
		return err
	}
	if n, _ := os.Stdin.Read(make([]byte, 1)); n == 0 {
		if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
			pass(tty, unix.Getpgrp(), parents)
		}
		return syscall.Kill(0, syscall.SIGKILL)
	}
	return nil
}

// pass gives the terminal's foreground from one group to another, if the first has it.
func pass(tty *os.File, from, to int) bool {
	fd := int(tty.Fd())
	now, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && now == from && unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, to) == nil
}

func (g *processGroup) enrol(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.id}
}

// started is too late for the commands to inherit what is ignored here.
func (g *processGroup) started() {
	if g.tty == nil {
		return
	}
	signal.Ignore(syscall.SIGTTOU) // or this process stops when it takes the foreground back
	go g.followStops()
}

// followStops stops this process's group when a command was stopped, as by Ctrl-Z, and
// lets the commands go on when this process does: the shell knows this process alone.
func (g *processGroup) followStops() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	for {
		err := unix.Waitid(unix.P_PGID, g.id, nil, unix.WSTOPPED, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		// A command that was started in the background, or continued there, stops when it
		// reads the terminal, even if the shell has brought this process to the foreground
		// meanwhile.
		if pass(g.tty, unix.Getpgrp(), g.id) {
			syscall.Kill(-g.id, syscall.SIGCONT)
			continue
		}
		pass(g.tty, g.id, unix.Getpgrp())
		select {
		case <-continued: // of before
		default:
		}
		syscall.Kill(0, syscall.SIGTSTP)
		// This process stops now or a moment later. Without a shell that could continue
		// it, the kernel lets it run, and the commands go on at once.
		select {
		case <-continued:
		case <-time.After(time.Second):
		}
		pass(g.tty, unix.Getpgrp(), g.id)
		syscall.Kill(-g.id, syscall.SIGCONT)
	}
}

func (g *processGroup) Signal(sig os.Signal) error {
	return syscall.Kill(-g.id, sig.(syscall.Signal))
}

func (g *processGroup) kill() { syscall.Kill(-g.id, syscall.SIGKILL) }

func (g *processGroup) release() {
	if g.tty != nil {
		pass(g.tty, g.id, unix.Getpgrp())
		g.tty.Close()
	}
	g.life.Write([]byte{1}) // fails if the watcher was killed
	g.life.Close()
	g.watcher.Wait()
}
