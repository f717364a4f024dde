package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// site is a running timetable.
type site struct {
	*ipctest.Process
	url   string
	store string // its named pipe
}

// serve runs the timetable of a file until the test ends.
func serve(t *testing.T, file string) *site {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-file", file)
	cmd.Env = append(os.Environ(), asProgram+"=yes")
	s := &site{Process: ipctest.StartCommand(t, cmd)}
	t.Cleanup(func() { s.end(t) })
	s.url = s.word(t, "The timetable is at ")
	s.word(t, "Its file: ")
	s.store = s.word(t, "Its store: ")
	return s
}

func (s *site) word(t *testing.T, prefix string) string {
	t.Helper()
	text, found := strings.CutPrefix(s.Hear(), prefix)
	if !found {
		t.Fatalf("the timetable says %q, want %q", text, prefix)
	}
	return text
}

// end ends the timetable as Ctrl-C does.
func (s *site) end(t *testing.T) {
	t.Helper()
	select {
	case <-s.Done():
		return
	default:
	}
	if err := s.Process.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("the timetable ended with %v; stderr: %s", err, s.Stderr())
	}
}

// TestStoreAloneOpensTheFile looks which of the two processes has it open.
func TestStoreAloneOpensTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "timetable.db")
	s := serve(t, file)
	answer, err := http.Get(s.url + "events?from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	if opens(t, s.Process.Process.Pid, file) {
		t.Error("the server has the file open")
	}
	var stores []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.Process.Process.Pid))
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, child := range strings.Fields(string(children)) {
			pid, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			stores = append(stores, pid)
		}
	}
	if len(stores) != 1 || !opens(t, stores[0], file) {
		t.Errorf("the server's children are %v; one is to have the file open", stores)
	}
}

// opens reports whether a process has a file open.
func opens(t *testing.T, pid int, file string) bool {
	t.Helper()
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(descriptors) == 0 {
		t.Fatalf("the descriptors of %d can't be read: %v", pid, err)
	}
	return slices.ContainsFunc(descriptors, func(d string) bool {
		target, _ := os.Readlink(d) // it may be closed by now
		return target == file
	})
}
