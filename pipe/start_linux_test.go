package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

func TestDieWithParentForeignProgram(t *testing.T) {
	p := startParent(t, "bound", exec.Command("sleep", "100"))
	p.Kill()
	expectGone(t, p)
}

// disobedient gets no death signal from the kernel, as if it were set-uid. It
// has the lifeline alone.
var disobedient = role("disobedient", func() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0); err != nil {
		return err
	}
	if _, err := Inherited(); err != nil {
		return err
	}
	fmt.Println("child")
	time.Sleep(2 * ipctest.Patience)
	return nil
})

func TestDieWithParentByLifeline(t *testing.T) {
	p := startParent(t, "bound", roleCommand(t, disobedient))
	p.Expect("child")
	p.Kill()
	expectGone(t, p)
}

// The classic mistake: the death signal comes when the thread ends that made
// the child.
func TestDieWithParentOutlivesThread(t *testing.T) {
	type child struct {
		d   *DuplexConn
		tid int
	}
	started, done := make(chan child), make(chan struct{})
	var start func()
	start = func() {
		runtime.LockOSThread() // and the runtime ends the thread with the goroutine
		if unix.Gettid() == os.Getpid() {
			// Except the process's first, so this one is kept busy.
			go start()
			<-done
			return
		}
		d, _ := startHelper(t, &StartConfig{DieWithParent: true}, echoChild)
		started <- child{d, unix.Gettid()}
	}
	go start()
	c := <-started
	close(done)
	task := "/proc/self/task/" + strconv.Itoa(c.tid)
	for deadline := time.Now().Add(ipctest.Patience); unix.Access(task, unix.F_OK) == nil; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("thread %d has not ended", c.tid)
		}
	}
	io.WriteString(c.d, "alive")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c.d, buf); err != nil || string(buf) != "alive" {
		t.Errorf("the child answered %q, %v", buf, err)
	}
}

// starved has no descriptor left when it first asks for a lifeline, and some later.
var starved = role("starved", func() error {
	lifeline.r.Close()
	lifeline.w.Close()
	lifeline.r, lifeline.w = nil, nil
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	none := unix.Rlimit{Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		return err
	}
	if _, err := passLifeline(&passing{cmd: new(exec.Cmd)}); !errors.Is(err, unix.EMFILE) {
		return fmt.Errorf("without descriptors: %v", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	_, err := passLifeline(&passing{cmd: new(exec.Cmd)})
	return err
})

func TestDieWithParentAfterAShortageOfDescriptors(t *testing.T) {
	if out, err := roleCommand(t, starved).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
