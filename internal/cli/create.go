package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
	"github.com/spf13/cobra"
)

func newCreate() *cobra.Command {
	c := &creator{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Make shared memory, a file to map, or a FIFO",
		Long: `create makes what a URL names, and fails if it exists. What it makes stays until
` + "`ipc rm`" + `: shared memory at most until the next boot.

On Windows shared memory goes with the last process that has it open, so create
holds it there until Ctrl-C.

All bytes are zero, and storage for all of them is reserved: what doesn't fit fails
now. --size takes a number of bytes, or one with K, M, G or T for 2^10, 2^20, 2^30
or 2^40 of them. Only this user may open what is made, unless --mode or --allow say
otherwise; files and FIFOs take --mode alone, and files on Windows have the rights
of their folder.

With --json it prints one object with these fields:
  event  created; time: RFC 3339
  url    as given
  size   in bytes; left out for a FIFO`,
		Example: `  ipc create shm://frame --size 4096
  ipc create shm://table --size 64M --mode 0660
  ipc create mmap:///var/tmp/state --size 1G
  ipc create fifo:///tmp/log`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("shm://", "mmap:///", "fifo:///"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], cmd.Flags().Changed("size"))
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().VarP(&c.size, "size", "s", "how large it is to be, such as 4096, 64M or 1G")
	c.register(cmd)
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

// creator is one run of create.
type creator struct {
	accessFlags
	size     byteSize
	json     bool
	out, err screen
}

func (c *creator) run(ctx context.Context, url string, sized bool) error {
	t, err := parseURL(url)
	if err != nil {
		return err
	}
	mode, err := c.bits()
	if err != nil {
		return err
	}
	switch {
	case t.scheme == "pipe":
		return usagef("a named pipe exists as long as somebody listens: ipc serve %s", t)
	case t.scheme == "fifo" && sized:
		return usagef("a FIFO has no --size")
	case t.scheme != "shm" && c.allow != nil:
		return usagef("--allow is for shared memory; a file takes --mode, or the system's access control list")
	case t.scheme == "mmap" && mode != 0 && runtime.GOOS == "windows":
		return usagef("a file on Windows has the rights of its folder; icacls changes them, --mode can't")
	case t.isMemory() && c.size <= 0:
		return usagef("say with --size how large %s is to be, such as --size 4096", t)
	}
	switch t.scheme {
	case "fifo":
		err = pipe.MakeFIFO(t.path(), &pipe.FIFOConfig{Mode: mode})
	case "mmap":
		if mode == 0 {
			mode = 0o600
		}
		err = createFile(t.path(), int64(c.size), mode)
	case "shm":
		var seg *shm.Segment
		seg, err = shm.Create(t.name, int64(c.size), &shm.Config{Mode: mode, Allow: c.allow})
		if err == nil {
			defer seg.Close()
		}
	}
	if err != nil {
		return err
	}
	held := t.scheme == "shm" && runtime.GOOS == "windows"
	if c.json {
		e := event{Event: "created", Time: time.Now(), URL: t.String(), Size: int64(c.size)}
		if _, err := io.WriteString(c.out, e.String()); err != nil {
			return err
		}
	} else if held && c.err.tty {
		fmt.Fprintln(c.err, c.err.paint(dim, t.String()+" exists until Ctrl-C"))
	}
	if held {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
	}
	return nil
}

// createFile makes a file with storage for all its bytes, or none.
func createFile(path string, size int64, mode os.FileMode) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return failedFile("create", path, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := f.Chmod(mode); err != nil { // the umask may have taken bits
		return failedFile("create", path, err)
	}
	m, err := mmap.Map(f, &mmap.Config{Capacity: size})
	if err != nil {
		return err
	}
	return m.Close()
}
