package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
)

// stdioEnv makes the test binary one of stdioPrograms, which have their standard input and
// output to themselves; a helper of ipctest has not.
const stdioEnv = "ENDPOINT_TEST_STDIO"

var stdioPrograms = map[string]func() error{"serve": serveStdio, "blocked": useBlockedStdio}

func stdioProgram(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), stdioEnv+"="+name)
	return cmd
}

// serveStdio serves standard input and output as a connection, and sends back what arrives.
func serveStdio() error {
	l, err := endpoint.Listen(context.Background(), "stdio://")
	if err != nil {
		return err
	}
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	if _, err := endpoint.Dial(context.Background(), "stdio://"); !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("dialled again: %v", err)
	}
	if _, err := io.Copy(conn, conn); err != nil {
		return err
	}
	conn.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("Accept after the connection: %v", err)
	}
	return nil
}

func TestStdio(t *testing.T) {
	cmd := stdioProgram(t, "serve")
	text := strings.Repeat("through", 100_000)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil || string(out) != text {
		t.Errorf("%d of %d bytes came back, %v", len(out), len(text), err)
	}
}

// useBlockedStdio has a Write that no process reads, and a Read of what no process writes,
// end by a deadline, and by Close.
func useBlockedStdio() error {
	conn, err := endpoint.Dial(context.Background(), "stdio://")
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := conn.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("Write: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("Read: %v", err)
	}
	conn.SetDeadline(time.Time{})
	written := make(chan error, 1)
	go func() { _, err := conn.Write([]byte("x")); written <- err }()
	conn.Close()
	if err := <-written; err == nil {
		return errors.New("a Write succeeded that Close ended")
	}
	return nil
}

func TestStdioOfProcessThatNeitherReadsNorWrites(t *testing.T) {
	cmd := stdioProgram(t, "blocked")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	in, silent, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer silent.Close()
	var said strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, w, &said
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, said.String())
	}
}
