// Command browser is the architecture of a browser in small: one process for the window,
// one for the disk, and one for each tab, which draws into memory that it shares with
// the first. A tab that crashes or hangs takes no other one with it.
//
//	go run ./examples/browser waves balls flag
//
// README.md has the commands that it takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/worker"
)

const usageText = `usage: browser [--png FILE] [--frames N] [--every 100ms] [--patience 2s] [--dir DIR] [PAGE...]

Shows the pages side by side, each drawn by a process of its own, until Ctrl-C, the
command quit or the end of standard input.

  --png FILE      write what is shown to FILE at the end
  --frames N      end when every tab has drawn N frames, or says Aw
  --every D       the time between two frames
  --patience D    a tab that takes longer for a frame hangs
  --dir DIR       where the pages are, as NAME.page; otherwise those that are built in:
                  waves balls flag crash hang greedy

With NO_COLOR in the environment the pictures are shades of letters.
`

// The exit codes besides 0.
const (
	exitError = 1
	exitUsage = 2
)

var errUsage = errors.New("wrong usage")

// tabMemory is how many bytes a process may take: a page that wants more crashes, and the
// machine has enough left for the others. Go alone needs some 10 MiB.
var tabMemory int64 = 256 << 20

func main() {
	worker.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usageText)
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "browser: %v\n\n%s", err, usageText)
		os.Exit(exitUsage)
	case err != nil:
		for line := range strings.SplitSeq(err.Error(), "\n") { // one for each error
			fmt.Fprintln(os.Stderr, "browser:", printable(line))
		}
		os.Exit(exitError)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	b := &browser{out: out, plain: os.Getenv("NO_COLOR") != "", change: make(chan struct{}, 1)}
	flags := flag.NewFlagSet("browser", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	png := flags.String("png", "", "")
	frames := flags.Int("frames", 0, "")
	flags.DurationVar(&b.every, "every", 100*time.Millisecond, "")
	flags.DurationVar(&b.patience, "patience", 2*time.Second, "")
	flags.StringVar(&b.dir, "dir", "", "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case *frames < 0 || b.every <= 0 || b.patience <= 0:
		return fmt.Errorf("%w: --frames, --every and --patience are positive", errUsage)
	}
	pages := flags.Args()
	if len(pages) == 0 {
		pages = []string{"waves", "balls", "flag"}
	}
	pool, err := worker.Start(ctx, &worker.Config{
		Workers: 1,                      // the disk; tabs have processes of their own
		Grace:   200 * time.Millisecond, // what hangs has had b.patience
		Stderr:  io.Discard,             // the end of it is in the error of a crash
		Limits:  worker.Limits{Memory: tabMemory},
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	b.pool = pool
	return b.browse(ctx, pages, *frames, *png, in)
}

// browse opens the pages and does what is typed until the end.
func (b *browser) browse(ctx context.Context, pages []string, frames int, png string, in io.Reader) error {
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithCancel(ctx)
	for _, page := range pages {
		b.open(page)
	}
	screen := newScreen(b.out)
	err := b.loop(frames, screen, in)
	if frames > 0 { // there is a script that wants to know
		err = errors.Join(err, b.unloaded())
	}
	if png != "" {
		err = errors.Join(err, b.save(png))
	}
	screen.end()
	cancel()
	b.running.Wait()
	return err
}

// loop shows each change and does each command.
func (b *browser) loop(frames int, screen *screen, in io.Reader) error {
	typed, stop := make(chan string), make(chan struct{})
	defer close(stop)
	go readTyped(in, typed, stop)
	for {
		select {
		case <-b.change:
			screen.show(b)
			if frames > 0 && b.drawn(frames) {
				return nil
			}
		case line, more := <-typed:
			if !more && frames > 0 {
				typed = nil // there is something else to end by
			} else if !more || !b.do(line) {
				return nil
			}
		case <-b.ctx.Done():
			return nil
		}
	}
}
