package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// shortOfDescriptors receives five files although it may have only two more descriptors.
var shortOfDescriptors = ipctest.Helper("short of descriptors", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), "unix", c.Args[0], nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	spare, err := os.Open("/dev/null") // the next numbers follow it
	if err != nil {
		return err
	}
	lowest := spare.Fd()
	spare.Close()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = uint64(lowest) + 2
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	_, files, err := conn.ReceiveFiles(make([]byte, 10), 5)
	if !errors.Is(err, unix.EMFILE) || files != nil {
		return fmt.Errorf("%d files, %v", len(files), err)
	}
	again, err := os.Open("/dev/null")
	if err != nil {
		return fmt.Errorf("descriptors were left open: %w", err)
	}
	defer again.Close()
	if again.Fd() != lowest {
		return fmt.Errorf("descriptor %d is open, want %d", again.Fd(), lowest)
	}
	c.Say("refused")
	return nil
})

// If not all files can be taken none is.
func TestFilesWithoutDescriptors(t *testing.T) {
	l := mustListen(t, endpoint{network: "unix", address: socketPath})
	p := ipctest.Start(t, shortOfDescriptors, l.Addr().String())
	c, err := l.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := openWith(t, "x")
	if _, err := c.SendFiles([]byte("x"), f, f, f, f, f); err != nil {
		t.Fatal(err)
	}
	p.Expect("refused")
}
