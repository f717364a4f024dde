package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func newCreate() *cobra.Command {
	c := &creator{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "create URL",
		Short: "Create shared memory, a file to map, a FIFO, a semaphore, a queue or the like",
		Long: `create creates what a URL names, and fails if it exists. What it creates stays until
` + "`ipc rm`" + `: files and FIFOs for good, everything else at most until the next boot.

On Windows shared memory, semaphores, mutexes and events go with the last process that
has them open, so create holds them there until Ctrl-C.

Of memory all bytes are zero, and storage for all of them is reserved: what doesn't fit
fails now. --size takes a number of bytes, or one with K, M, G or T (also KiB and so on)
for 2^10, 2^20, 2^30 or 2^40 of them. A semaphore has --value permits, a lock is free, an
event is not set.

A message queue holds --capacity messages with together --capacity-bytes; both are reserved.
--full says what ipc send does when it is full: wait, fail, or drop the oldest message of the
lowest priority. A message that is leased, and neither acknowledged nor given back, comes
again when its receiver dies, or after --lease-timeout if there is one. What was delivered
--max-deliveries times goes to the queue --dead-letter, or is dropped. A queue whose name is
a path is durable: that is its file, on a disk. With --sync it also outlives a power failure.

A ring has room for --capacity-bytes, 1M by default, of which a message can have half. One
process sends and one receives, unless --shape says otherwise; --slow says what happens to a
receiver of a broadcast that is a whole ring behind: the sender waits for it, or it loses the
oldest messages, or gets no more.

Only this user may open what is created, unless --mode or --allow say otherwise; files
and FIFOs take --mode alone, and files on Windows have the rights of their folder.

With --json it prints one object with these fields:
  event  created; time: RFC 3339
  url    as given
  size   in bytes, of memory`,
		Example: `  ipc create shm://frame --size 4096
  ipc create shm://table --size 64M --mode 0660
  ipc create mmap:///var/tmp/state --size 1G
  ipc create fifo:///tmp/log
  ipc create sem://jobs --value 2
  ipc create event://ready --manual
  ipc create mq://jobs --capacity 1000
  ipc create mq:///var/tmp/jobs --sync
  ipc create ring://frames --capacity-bytes 64M --shape broadcast`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("create"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := parseURLFor("create", args[0])
			if err != nil {
				return err
			}
			if err := c.check(t, cmd.Flags().Changed); err != nil {
				return err
			}
			if err := c.checkProject(t); err != nil {
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
	c.queueFlags.register(cmd)
	c.ringFlags.register(cmd)
	c.registerProject(cmd)
	c.registerAdmit(cmd)
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

// creator is one run of create.
type creator struct {
	accessFlags
	size       byteSize
	value, max int
	manual     bool
	queueFlags
	ringFlags
	json     bool
	out, err screen
}

// creatorFlags are the flags that only some mechanisms take, and what to say where
// one that is needed is missing. %s is the URL.
var creatorFlags = []struct{ name, missing string }{
	{"size", "say with --size how large %s is to be, such as --size 4096"},
	{"value", "say with --value how many permits %s is to have, such as --value 1"},
	{"max", ""},
	{"manual", ""},
	{"capacity", ""},
	{"capacity-bytes", ""},
	{"max-message", ""},
	{"full", ""},
	{"lease-timeout", ""},
	{"max-deliveries", ""},
	{"dead-letter", ""},
	{"sync", ""},
	{"shape", ""},
	{"slow", ""},
	{"receivers", ""},
	{"mode", ""},
	{"allow", ""},
}

// check checks the flags; given tells which there are.
func (c *creator) check(t target, given func(flag string) bool) error {
	needs := t.create.needs
	takes := slices.Concat(needs, t.create.takes)
	for _, f := range creatorFlags {
		switch {
		case given(f.name) && !slices.Contains(takes, f.name):
			return usagef("%s takes no --%s, only %s", withArticle(t.noun), f.name, listed(dashed(append(takes, "json")), "and"))
		case !given(f.name) && slices.Contains(needs, f.name):
			return usagef(f.missing, t)
		}
	}
	switch {
	case given("size") && c.size <= 0:
		return usagef("--size %d; at least 1 byte is possible", c.size)
	case c.value < 0:
		return usagef("--value %d is negative", c.value)
	case given("max") && c.max < 1:
		return usagef("--max %d; at least 1 permit is possible", c.max)
	case given("max") && c.value > c.max:
		return usagef("--value %d is more than --max %d", c.value, c.max)
	}
	return c.queueFlags.check(given)
}

func dashed(flags []string) (texts []string) {
	for _, f := range flags {
		texts = append(texts, "--"+f)
	}
	return texts
}

func (c *creator) run(ctx context.Context, t target) error {
	r, err := c.rule()
	if err != nil {
		return err
	}
	made, err := t.create.make(c, t, r)
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
		ctx, stop := untilSignal(ctx)
		defer stop()
		<-ctx.Done()
	}
	return nil
}
