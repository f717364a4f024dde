package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
	"github.com/spf13/cobra"
)

func newCreate() *cobra.Command {
	c := &creator{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Make shared memory, a file to map, a FIFO, a semaphore or the like",
		Long: `create makes what a URL names, and fails if it exists. What it makes stays until
` + "`ipc rm`" + `: but for files and FIFOs at most until the next boot.

On Windows shared memory, semaphores, mutexes and events go with the last process that
has them open, so create holds them there until Ctrl-C.

Of memory all bytes are zero, and storage for all of them is reserved: what doesn't fit
fails now. --size takes a number of bytes, or one with K, M, G or T for 2^10, 2^20, 2^30
or 2^40 of them. A semaphore has --value permits, a lock is free, an event is not set.

Only this user may open what is made, unless --mode or --allow say otherwise; files and
FIFOs take --mode alone, and files on Windows have the rights of their folder.

With --json it prints one object with these fields:
  event  created; time: RFC 3339
  url    as given
  size   in bytes, of memory`,
		Example: `  ipc create shm://frame --size 4096
  ipc create shm://table --size 64M --mode 0660
  ipc create mmap:///var/tmp/state --size 1G
  ipc create fifo:///tmp/log
  ipc create sem://jobs --value 2
  ipc create event://ready --manual`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("shm://", "mmap:///", "fifo:///", "sem://", "mutex://", "rwmutex://", "event://"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := parseURL(args[0])
			if err != nil {
				return err
			}
			if err := c.check(t, cmd.Flags().Changed); err != nil {
				return err
			}
			return c.run(cmd.Context(), t)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().VarP(&c.size, "size", "s", "how large memory is to be, such as 4096, 64M or 1G")
	cmd.Flags().IntVar(&c.value, "value", 0, "how many permits a semaphore has")
	cmd.Flags().IntVar(&c.max, "max", 0, "how many permits it can have (default: as many as the system allows)")
	cmd.Flags().BoolVar(&c.manual, "manual", false, "an event stays set until it is reset")
	c.register(cmd)
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

// creator is one run of create.
type creator struct {
	accessFlags
	size       byteSize
	value, max int
	manual     bool
	json       bool
	out, err   screen
}

// check checks the flags; given tells which there are.
func (c *creator) check(t target, given func(flag string) bool) error {
	for _, f := range []struct {
		flag string
		fits bool
	}{
		{"size", t.isMemory()},
		{"value", t.scheme == "sem"},
		{"max", t.scheme == "sem"},
		{"manual", t.scheme == "event"},
	} {
		if given(f.flag) && !f.fits {
			return usagef("there is no --%s of %s", f.flag, t)
		}
	}
	switch {
	case t.scheme == "pipe":
		return usagef("a named pipe exists as long as somebody listens: ipc serve %s", t)
	case (t.scheme == "fifo" || t.scheme == "mmap") && c.allow != nil:
		return usagef("--allow is not for files; they take --mode, or the system's access control list")
	case t.scheme == "mmap" && c.mode != "" && runtime.GOOS == "windows":
		return usagef("a file on Windows has the rights of its folder; icacls changes them, --mode can't")
	case t.isMemory() && c.size <= 0:
		return usagef("say with --size how large %s is to be, such as --size 4096", t)
	case t.scheme == "sem" && !given("value"):
		return usagef("say with --value how many permits %s is to have, such as --value 1", t)
	case c.value < 0:
		return usagef("--value %d is negative", c.value)
	case given("max") && c.max < 1:
		return usagef("--max %d; at least 1 makes sense", c.max)
	}
	return nil
}

func (c *creator) run(ctx context.Context, t target) error {
	mode, err := c.bits()
	if err != nil {
		return err
	}
	made, err := c.make(t, mode)
	if err != nil {
		return err
	}
	if made != nil {
		defer made.Close()
	}
	if c.json {
		e := event{Event: "created", Time: time.Now(), URL: t.String(), Size: int64(c.size)}
		if _, err := io.WriteString(c.out, e.String()); err != nil {
			return err
		}
	} else if t.vanishes() && c.err.tty {
		fmt.Fprintln(c.err, c.err.paint(dim, t.String()+" exists until Ctrl-C"))
	}
	if t.vanishes() {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
	}
	return nil
}

// make makes it, and returns it if it is something that can be open.
func (c *creator) make(t target, mode os.FileMode) (io.Closer, error) {
	cfg := &ipcsync.Config{Mode: mode, Allow: c.allow, Max: c.max, ManualReset: c.manual}
	switch t.scheme {
	case "fifo":
		return nil, pipe.MakeFIFO(t.path(), &pipe.FIFOConfig{Mode: mode})
	case "mmap":
		return nil, createFile(t.path(), int64(c.size), cmp.Or(mode, 0o600))
	case "shm":
		return shm.Create(t.name, int64(c.size), &shm.Config{Mode: mode, Allow: c.allow})
	case "sem":
		// What is written down about a semaphore that was there before, and has
		// vanished, is forgotten by that.
		cfg.Track = t.vanishes()
		return ipcsync.CreateSemaphore(t.name, c.value, cfg)
	case "mutex":
		return ipcsync.CreateMutex(t.name, cfg)
	case "rwmutex":
		return ipcsync.CreateRWMutex(t.name, cfg)
	}
	return ipcsync.CreateEvent(t.name, cfg)
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
