package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/mq"
)

// The variables that tell a command of its message.
const (
	deliveriesVariable = "IPC_DELIVERIES"
	idVariable         = "IPC_ID"
)

// jobs runs a command for each message.
type jobs struct {
	words   []string
	signals *signals
}

// run runs the command with a message as its standard input. failure says how the command
// failed, err why it could not be run.
func (j *jobs) run(m *mq.Message) (failure, err error) {
	cmd := exec.Command(j.words[0], j.words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(m.Body), os.Stdout, os.Stderr
	cmd.WaitDelay = time.Second                // for a process that it leaves, and that doesn't read
	id := strings.ReplaceAll(m.ID, "\x00", "") // any program may have chosen it
	cmd.Env = append(os.Environ(), deliveriesVariable+"="+strconv.Itoa(m.Deliveries), idVariable+"="+id)
	group, err := newCommandGroup()
	if err != nil {
		return nil, err
	}
	defer group.release()
	group.enrol(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	group.started()
	j.signals.passTo(group)
	defer j.signals.passTo(nil)
	failure = cmd.Wait()
	if cmd.ProcessState != nil && cmd.ProcessState.Success() {
		return nil, nil
	}
	return failure, nil
}
