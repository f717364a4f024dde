//go:build unix

package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// writesOfADaemon are writes that no process reads, to a pipe that a process makes or
// opens whose standard streams are closed.
var writesOfADaemon = map[string]func(path string) (io.Writer, error){
	"New": func(string) (io.Writer, error) {
		r, w, err := New(nil)
		if err != nil {
			return nil, err
		}
		return w, r.Close()
	},
	"FIFO": func(path string) (io.Writer, error) {
		in, err := OpenFIFO(context.Background(), path, In, &FIFOConfig{KeepOpen: true})
		if err != nil {
			return nil, err
		}
		out, err := OpenFIFO(context.Background(), path, Out, nil)
		if err != nil {
			return nil, err
		}
		return out, in.Close()
	},
	"Inherited": func(string) (io.Writer, error) {
		var in, out [2]int
		if err := errors.Join(unix.Pipe(in[:]), unix.Pipe(out[:])); err != nil {
			return nil, err
		}
		// in is 0 and 1: 1 is to be the end of out that writes, which no end reads.
		if err := errors.Join(unix.Dup2(out[1], in[1]), unix.Close(out[1]), unix.Close(out[0])); err != nil {
			return nil, err
		}
		os.Setenv(handlesVariable, fmt.Sprintf("%d,%d", in[0], in[1]))
		d, err := Inherited()
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Println("to standard output, which is not the pipe any more"); err != nil {
			return nil, err
		}
		return d, nil
	},
}

// daemon closes its standard streams, makes the write DAEMON_WRITE and leaves in a
// file how that went.
var daemon = role("daemon", func() error {
	what, dir := os.Getenv("DAEMON_WRITE"), os.Getenv("DAEMON_DIR")
	for fd := range 3 {
		unix.Close(fd)
	}
	w, err := writesOfADaemon[what](dir + "/fifo")
	if err == nil {
		_, err = w.Write([]byte("x"))
	}
	return os.WriteFile(dir+"/result", fmt.Appendf(nil, "closed: %v; %v", errors.Is(err, io.ErrClosedPipe) || errors.Is(err, unix.EPIPE), err), 0o600)
})

// A process whose pipe has got a standard stream's descriptor is told of a reader that
// has gone by an error, not by SIGPIPE.
func TestNoSIGPIPEOnStandardDescriptors(t *testing.T) {
	for what := range writesOfADaemon {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			if err := MakeFIFO(dir+"/fifo", nil); err != nil {
				t.Fatal(err)
			}
			cmd := roleCommand(t, daemon)
			cmd.Env = append(cmd.Env, "DAEMON_WRITE="+what, "DAEMON_DIR="+dir)
			cmd.WaitDelay = ipctest.Patience
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(dir + "/result"); !strings.HasPrefix(string(got), "closed: true") {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

// A standard stream that was taken is the null device: neither its end is kept nor
// does what is printed reach the pipe.
func TestTakenStandardStreamIsTheNullDevice(t *testing.T) {
	r, w := newPair(t, nil)
	cmd := roleCommand(t, takeStandardOutput)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if got, err := io.ReadAll(r); string(got) != "to the pipe" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

var takeStandardOutput = role("take standard output", func() error {
	f, err := InheritedFile("1")
	if err != nil {
		return err
	}
	if _, err := fmt.Println("to nowhere"); err != nil {
		return err
	}
	if _, err := io.WriteString(f, "to the pipe"); err != nil {
		return err
	}
	return f.Close()
})
