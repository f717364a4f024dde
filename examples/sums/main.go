// Command sums adds up the increments of two processes, once through a message queue
// and once in shared memory that a semaphore guards, and then those of as many processes
// as there are processors.
//
//	go run ./examples/sums
//	go run ./examples/sums --python
//
// README.md says what is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/breezeway-ipc/breezeway/worker"
)

const usage = `usage: sums [--python] [--json] [--count N] [--batch N]

  --python    run the same two programs in Python beside it, and print the ratio
  --json      print the ratios as JSON, for programs
  --count N   increments of each of the two processes (50000000)
  --batch N   how many of them make one partial result (1000000)
`

// The exit codes besides 0.
const (
	exitError = 1
	exitUsage = 2
)

var errUsage = errors.New("wrong usage")

func main() {
	worker.Main()
	var err error
	if len(os.Args) > 1 && os.Args[1] == adderVerb {
		signal.Ignore(os.Interrupt) // Ctrl-C goes to all processes of a terminal: the parent decides
		err = adder(context.Background(), os.Args[2:])
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // a second signal kills
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(exitUsage)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sums:", err)
		os.Exit(exitError)
	}
}

// options is what the command line says.
type options struct {
	work
	python, json bool
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	flags := flag.NewFlagSet("sums", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.python, "python", false, "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.Uint64Var(&o.Count, "count", 50_000_000, "")
	flags.Uint64Var(&o.Batch, "batch", 1_000_000, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || o.Batch == 0 || o.Count == 0 {
		return errUsage
	}
	r, err := measure(ctx, o, newProgressLine(progress))
	if err != nil {
		return err
	}
	if o.json {
		return r.printJSON(out)
	}
	r.print(out, o)
	return nil
}
