package peerbench

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// two is a pair whose processes are started one by one, by the same program with "asks" or
// "answers" as its last argument. Both are told how many messages come. What spins has a
// processor to itself.
func two(t testing.TB, name string, p ipctest.Program, what traffic, object string) bench.Contender {
	t.Helper()
	all, err := processors()
	if err != nil {
		t.Fatal(err)
	}
	start := func(role string, on []int) *ipctest.Process {
		cmd := p(append(what.args(object), role)...)
		if what.spins {
			cmd = exec.Command("taskset", append([]string{"-c", strconv.Itoa(on[0])}, cmd.Args...)...)
		}
		return ipctest.StartCommand(t, cmd)
	}
	asks, answers := start("asks", first(all)), start("answers", last(all))
	answers.Expect("ready")
	c := driven(name, what.size, asks)
	run := c.Run
	c.Run = func(n int) error {
		answers.Say(strconv.Itoa(n))
		err := run(n)
		if answer := answers.Hear(); err == nil && answer != "done" {
			err = errors.New(name + " says " + answer)
		}
		return err
	}
	return c
}

// orSkip skips the test where it needs what isn't installed, and is too large for
// continuous integration.
func orSkip(t testing.TB, out []byte, err error, advice string) {
	t.Helper()
	if err != nil {
		t.Skipf("%v %s; %s", err, out, advice)
	}
}

// tool returns the path of a program, or skips the test.
func tool(t testing.TB, name, advice string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	orSkip(t, nil, err, advice)
	return path
}
