package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// runCommand hands a connection to a process of --exec.
func (s *server) runCommand(ctx context.Context, c streamConn, from sender) error {
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Stdout = c
	cmd.Stderr = os.Stderr
	// When we stop, its input ends; what doesn't end of that is killed.
	cmd.Cancel = func() error { return os.ErrProcessDone }
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	arrived := make(chan struct{})
	go func() {
		defer close(arrived)
		io.Copy(in, c)
		in.Close()
	}()
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return err
	}
	if socket, ok := c.(socketConn); ok {
		socket.SetReadDeadline(time.Now()) // which ends the copying
		<-arrived
		socket.linger()
	}
	c.Close() // which also ends the copying
	<-arrived
	s.exited(from, cmd.ProcessState)
	return nil
}
