package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newWrite() *cobra.Command {
	w := &writer{out: newScreen(os.Stdout)}
	cmd := &cobra.Command{
		Use:   "write URL TEXT...|-",
		Short: "Write text or bytes into shared memory or a file",
		Long: `write puts bytes into shared memory, or into a file by mapping it, whichever program
created it.
Other processes see them at once, in no particular order: to say that something is
complete, write that last.

The arguments are joined by spaces. Unlike echo, and like printf, write adds no
newline: it changes the bytes that the text takes, no others. A lone - means
standard input, byte by byte. What would reach beyond the end is refused before
anything is written. Nothing grows.

A segment of another user than this one and the superuser is opened only if --trust
names that user.

With --json it prints one object with these fields:
  event   written; time: RFC 3339
  url     as given
  offset  of the first byte; bytes: how many`,
		Example: `  ipc write shm://frame hello
  ipc write shm://frame --offset 0x100 hello there
  printf '\1\0\0\0' | ipc write shm://frame --offset 8 -
  ipc write mmap:///var/tmp/state - < picture.png`,
		Args:              takes(2, math.MaxInt, "a URL, such as shm://frame, and text, or - for standard input"),
		ValidArgsFunction: completeURL("write"),
		RunE:              func(_ *cobra.Command, args []string) error { return w.run(args[0], args[1:]) },
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().VarP(&w.offset, "offset", "o", "where the first byte goes, such as 64, 0x40 or 4K")
	w.registerTrust(cmd)
	cmd.Flags().BoolVar(&w.json, "json", false, "print JSON")
	return cmd
}

// writer is one run of write.
type writer struct {
	accessFlags
	offset byteSize
	json   bool
	out    screen
}

func (w *writer) run(url string, words []string) (err error) {
	t, err := parseURLFor("write", url)
	if err != nil {
		return err
	}
	m, err := w.openMemory(t, false)
	if err != nil {
		return err
	}
	defer m.close()
	room, err := m.span(w.offset, nil)
	if err != nil {
		return err
	}
	text := []byte(strings.Join(words, " "))
	what := fmt.Sprintf("%d bytes", len(text))
	if len(words) == 1 && words[0] == "-" {
		if text, err = io.ReadAll(io.LimitReader(os.Stdin, room+1)); err != nil {
			return err
		}
		what = fmt.Sprintf("%d bytes or more", len(text))
	}
	n := int64(len(text))
	if n > room {
		return fmt.Errorf("%w; nothing was written", m.beyond(what, w.offset))
	}
	if _, err := m.WriteAt(text, int64(w.offset)); err != nil {
		return err
	}
	if w.json {
		off := int64(w.offset)
		_, err = io.WriteString(w.out, event{Event: "written", Time: time.Now(), URL: t.String(), Offset: &off, Bytes: &n}.String())
	}
	return err
}
