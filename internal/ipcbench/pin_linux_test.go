package ipcbench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// pinned runs with both processes on the CPU that it hears, and says where they may run.
var pinned = ipctest.Helper("pinned", func(c *ipctest.Control) error {
	var cpu int
	if _, err := fmt.Sscan(c.Hear(), &cpu); err != nil {
		return err
	}
	_, err := Run(context.Background(), Config{Only: []string{"anon"}, Sizes: []int{64}, Time: short, Pin: []int{cpu, cpu}, modes: []Mode{Park}, ready: func(peer *os.Process) {
		for _, pid := range []int{os.Getpid(), peer.Pid} {
			c.Say("%s", allowed(pid))
		}
	}})
	if err != nil {
		c.Say("%v", err)
	}
	return nil
})

// allowed returns the CPUs on which a process may run, as the system writes them.
func allowed(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err.Error()
	}
	_, after, _ := strings.Cut(string(text), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(list)
}

// Two processes on one CPU are slow, and arrive.
func TestPin(t *testing.T) {
	first, _, _ := strings.Cut(allowed(os.Getpid()), "-")
	first, _, _ = strings.Cut(first, ",")
	p := ipctest.Start(t, pinned)
	p.Say(first)
	p.Expect(first)
	p.Expect(first)
	if err := p.Wait(); err != nil {
		t.Error(err, p.Stderr())
	}
}

func TestPinToACPUThatIsNotThere(t *testing.T) {
	p := ipctest.Start(t, pinned)
	p.Say("1000000")
	if line := p.Hear(); !strings.Contains(line, "CPU 1000000") {
		t.Errorf("%q", line)
	}
	p.Wait()
}
