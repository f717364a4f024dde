package main

import (
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/breezeway-ipc/breezeway/worker"
)

// task is a line of the task manager.
type task struct {
	pid, parent int // 0: there is no process
	role, state string
	frames      int // -1: it draws none
	cpu         time.Duration
	memory      int64 // bytes that are resident
}

// tasks returns the processes: the browser's own, the disk's, and those of the tabs. A tab
// whose process has ended has a line all the same.
func (b *browser) tasks() ([]task, error) {
	own := task{pid: os.Getpid(), parent: os.Getppid(), role: "browser", state: "shows", frames: -1}
	var err error
	if own.cpu, own.memory, err = usage(); err != nil {
		return nil, err
	}
	all := []task{own}
	ofTabs := map[string]worker.ProcessInfo{}
	for _, p := range b.pool.Processes() {
		if p.Key == "" {
			all = append(all, newTask(p, "disk", p.State.String(), -1))
		} else {
			ofTabs[p.Key] = p
		}
	}
	for _, t := range b.all() {
		p := ofTabs[t.key()]
		all = append(all, t.task(p))
	}
	return all, nil
}

// task is the tab's line, with its process, which is zero if there is none.
func (t *tab) task(p worker.ProcessInfo) task {
	t.mu.Lock()
	defer t.mu.Unlock()
	state := "draws"
	if t.dead != "" {
		state = "Aw: " + printable(t.dead)
	} else if t.loading {
		state = "loads"
	}
	return newTask(p, fmt.Sprintf("%s, %s", t.key(), printable(t.page)), state, t.frames)
}

func newTask(p worker.ProcessInfo, role, state string, frames int) task {
	return task{p.PID, p.Parent, role, state, frames, p.CPU, p.Memory}
}

// printTasks prints the task manager.
func (b *browser) printTasks() error {
	tasks, err := b.tasks()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PID\tPPID\tROLE\tSTATE\tFRAMES\tCPU\tMEMORY")
	for _, t := range tasks {
		pid, parent, frames := "-", "-", "-"
		if t.pid > 0 {
			pid, parent = strconv.Itoa(t.pid), strconv.Itoa(t.parent)
		}
		if t.frames >= 0 {
			frames = strconv.Itoa(t.frames)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\t%.1f MiB\n", pid, parent, t.role, t.state, frames,
			t.cpu.Round(time.Millisecond), float64(t.memory)/(1<<20))
	}
	return w.Flush()
}
