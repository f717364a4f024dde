package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shmnet"
	"golang.org/x/sys/unix"
)

// startLinked starts cmd with a connection through shared memory, and one by a pipe for
// commands. spec is completed for the environment.
func startLinked(cmd *exec.Cmd, sp *spec) (l link, err error) {
	data, child, err := shmnet.Pair(nil)
	if err != nil {
		return l, err
	}
	defer child.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, child)
	sp.Handle = strconv.Itoa(firstExtra + len(cmd.ExtraFiles) - 1)
	sp.put(cmd)
	control, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
	if err != nil {
		data.Close()
		return l, err
	}
	return link{data: data, control: control}, nil
}

// firstExtra is the descriptor that a child knows cmd.ExtraFiles[0] by.
const firstExtra = 3

// inheritLink is the worker's side of startLinked.
func inheritLink(sp *spec) (l link, err error) {
	control, err := pipe.Inherited()
	if err != nil {
		return l, err
	}
	fd, err := strconv.Atoi(sp.Handle)
	if err != nil || fd < firstExtra {
		control.Close()
		return l, fmt.Errorf("%q is no descriptor (%w)", sp.Handle, os.ErrInvalid)
	}
	unix.CloseOnExec(fd)
	data, err := shmnet.FromFile(context.Background(), os.NewFile(uintptr(fd), "worker"), nil)
	if err != nil {
		control.Close()
		return l, err
	}
	return link{data: data, control: control}, nil
}

// untaken reports whether a worker that has ended left bytes of a call unread.
//
// Preconditions:
//   - nothing is being written.
func (l link) untaken(uint64) bool {
	d, ok := l.data.(interface{ Drain(context.Context) error })
	if !ok {
		return false
	}
	err := d.Drain(closedContext)
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.Canceled)
}

// closedContext has ended: what waits for it only looks.
var closedContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// ledger is of systems whose connections don't tell what was read of them.
type ledger struct{}

func (*ledger) take(uint64) {}
func (*ledger) close()      {}
