package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func newRead() *cobra.Command {
	r := &reader{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "read URL",
		Short: "Show what shared memory or a file holds, or how it changes",
		Long: `read shows the bytes of shared memory, or of a file by mapping it, whichever program
created it. It writes them as they are; on a terminal as --hex does, unless --raw is
given.

  --hex      16 bytes a line, as hexdump -C has them: offset, bytes, characters;
             a * stands for lines like the one before
  --strings  printable text of 4 characters and more, with its offset

--watch shows how the bytes change, until Ctrl-C or --count: for each change the
time, the offset, the old bytes and the new ones. Memory raises no event, so read
compares every --interval what is there with a copy of its own: a change that is
undone sooner is missed, and several may show as one. Changed bytes less than 8
apart are one change. Large memory is compared less often, so that it takes a tenth
of a processor at most; --offset and --length narrow it. If the name is removed, or
the bytes are truncated away, --watch ends with an error.

A segment of another user than this one and the superuser is opened only if --trust
names that user.

With --json each line is an object with these fields, where they apply:
  event   bytes (at most 1 MiB of them), string (of --strings), watching, change
  time    RFC 3339
  url     as given
  offset  of the first byte
  text    the bytes; base64 instead if they are not valid text
  size    in bytes, of all that the URL names; bytes: how many are watched
  old     the bytes before a change, in hexadecimal; new: those after it`,
		Example: `  ipc read shm://frame
  ipc read shm://frame --offset 0x40 --length 64 > part
  ipc read mmap:///var/tmp/state --strings
  ipc read shm://counter --watch --length 8`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("read"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("length") {
				r.length = nil
			}
			watchOnly := cmd.Flags().Changed("count") || cmd.Flags().Changed("interval")
			return r.run(cmd.Context(), args[0], watchOnly)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	r.length = new(byteSize)
	f.VarP(&r.offset, "offset", "o", "where to begin, such as 64, 0x40 or 4K")
	f.VarP(r.length, "length", "l", "how many bytes, such as 64 or 4K; up to the end if left out")
	f.BoolVarP(&r.hex, "hex", "x", false, "show bytes in hexadecimal, and characters")
	f.BoolVar(&r.strings, "strings", false, "show printable text")
	f.BoolVar(&r.raw, "raw", false, "write the bytes as they are even to a terminal")
	f.BoolVarP(&r.watch, "watch", "w", false, "show changes as they happen")
	r.interval = 10 * time.Millisecond
	f.Var((*waitTime)(&r.interval), "interval", "look for changes every TIME, such as 0.5 (seconds) or 10ms")
	f.IntVar(&r.count, "count", 0, "stop after `N` changes")
	r.registerTrust(cmd)
	f.BoolVar(&r.json, "json", false, "print JSON, one object per line")
	return cmd
}

// reader is one run of read.
type reader struct {
	accessFlags
	offset            byteSize
	length            *byteSize // nil: up to the end
	hex, strings, raw bool
	watch             bool
	interval          time.Duration
	count             int
	json              bool

	out, err screen
	target   target
	memory   *memory
}

func (r *reader) run(ctx context.Context, url string, watchOnly bool) (err error) {
	if r.target, err = parseURLFor("read", url); err != nil {
		return err
	}
	if err := r.check(watchOnly); err != nil {
		return err
	}
	if r.memory, err = r.openMemory(r.target, true); err != nil {
		return err
	}
	defer r.memory.close()
	n, err := r.memory.span(r.offset, r.length)
	if err != nil {
		return err
	}
	if r.watch {
		return r.follow(ctx, int64(r.offset), n)
	}
	out := bufio.NewWriterSize(r.out, 64<<10)
	d := r.dump(out)
	if err := r.each(int64(r.offset), n, d.add); err != nil {
		out.Flush() // what was read before the error
		return err
	}
	if err := d.end(int64(r.offset) + n); err != nil {
		return err
	}
	return out.Flush()
}

func (r *reader) check(watchOnly bool) error {
	exclusive := 0
	for _, set := range []bool{r.hex, r.strings, r.raw, r.watch} {
		if set {
			exclusive++
		}
	}
	switch {
	case exclusive > 1:
		return usagef("--hex, --strings, --raw and --watch exclude each other")
	case r.json && (r.hex || r.raw):
		return usagef("--json excludes --hex and --raw")
	case watchOnly && !r.watch:
		return usagef("--interval and --count are for --watch")
	case r.interval <= 0:
		return usagef("--interval %v is not above 0", r.interval)
	case r.count < 0:
		return usagef("--count %d is negative", r.count)
	}
	return nil
}

// dump returns what shows the bytes as the flags say.
func (r *reader) dump(out io.Writer) dump {
	switch {
	case r.strings:
		return &stringsDump{show: func(off int64, text string) error {
			if r.json {
				_, err := io.WriteString(out, r.event("string", off).withText(text).String())
				return err
			}
			_, err := fmt.Fprintf(out, "%08x  %s\n", off, text)
			return err
		}}
	case r.json:
		return eachPart(func(off int64, b []byte) error {
			e := r.event("bytes", off).withText(string(b))
			e.Size = int64(r.memory.Len())
			_, err := io.WriteString(out, e.String())
			return err
		})
	case r.hex, r.out.tty && !r.raw:
		return &hexDump{out: out}
	}
	return eachPart(func(_ int64, b []byte) error {
		_, err := out.Write(b)
		return err
	})
}

func (r *reader) event(kind string, off int64) event {
	return event{Event: kind, Time: time.Now(), URL: r.target.String(), Offset: &off}
}

// each copies the n bytes from off on to f, in parts of 1 MiB.
func (r *reader) each(off, n int64, f func(off int64, b []byte) error) error {
	part := make([]byte, min(n, 1<<20))
	for end := off + n; off < end; off += int64(len(part)) {
		part = part[:min(int64(len(part)), end-off)]
		if _, err := r.memory.ReadAt(part, off); err != nil {
			return err
		}
		if err := f(off, part); err != nil {
			return err
		}
	}
	return nil
}
