package breezeway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

var _ net.Error = (*breezeway.Error)(nil)

func TestError(t *testing.T) {
	err := error(&breezeway.Error{Op: "dial", Kind: "pipe", Name: "chat", Err: fmt.Errorf("no server (%w)", os.ErrNotExist)})
	if got := err.Error(); got != "pipe dial chat: no server (file does not exist)" {
		t.Error(got)
	}
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrExist) {
		t.Error("wraps the wrong thing")
	}
	for inner, timeout := range map[error]bool{
		os.ErrDeadlineExceeded:   true,
		context.DeadlineExceeded: true,
		io.ErrClosedPipe:         false,
	} {
		if e := (&breezeway.Error{Err: fmt.Errorf("%w", inner)}); e.Timeout() != timeout {
			t.Errorf("%v: Timeout %v", inner, e.Timeout())
		}
	}
	if e := (&breezeway.Error{Err: os.NewSyscallError("accept", syscall.EMFILE)}); !e.Temporary() {
		t.Error("a shortage of descriptors passes")
	}
}

// A name that another process chose must not write to the user's terminal.
func TestErrorNameIsPrintable(t *testing.T) {
	e := &breezeway.Error{Op: "dial", Kind: "pipe", Name: "a\x1b[2Jb\n", Err: io.EOF}
	if strings.ContainsAny(e.Error(), "\x1b\n") {
		t.Errorf("%q", e.Error())
	}
	e.Name = strings.Repeat("x", 10_000)
	if len(e.Error()) > 500 {
		t.Errorf("%d bytes", len(e.Error()))
	}
}
