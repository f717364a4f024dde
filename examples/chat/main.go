// Command chat is a chat room behind a named pipe: one process serves it, any number
// of others join.
//
//	go run ./examples/chat serve hall
//	go run ./examples/chat join hall ada
//
// README.md has the protocol, and how a C# program joins.
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
)

const usage = `usage: chat serve [-timeout 10s] ROOM
       chat join  [-wait 5s]    ROOM NAME

serve serves the room until Ctrl-C. join enters it as NAME: each line of standard
input is said to the others; the end of the input, /leave or Ctrl-C leaves.
`

// The exit codes besides 0.
const (
	exitError = 1
	exitUsage = 2
)

var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "chat: %v\n\n%s", err, usage)
		os.Exit(exitUsage)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(exitError)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: say serve or join", errUsage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	switch args[0] {
	case "serve":
		timeout := flags.Duration("timeout", defaultTimeout, "")
		if err := parse(flags, args[1:], "ROOM"); err != nil {
			return err
		} else if *timeout < minTimeout {
			return fmt.Errorf("%w: -timeout %v is less than %v", errUsage, *timeout, minTimeout)
		}
		return serve(ctx, flags.Arg(0), *timeout, out)
	case "join":
		wait := flags.Duration("wait", 5*time.Second, "")
		if err := parse(flags, args[1:], "ROOM", "NAME"); err != nil {
			return err
		}
		return join(ctx, flags.Arg(0), flags.Arg(1), *wait, in, out)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	default:
		return fmt.Errorf("%w: there is no %q", errUsage, args[0])
	}
}

// parse reads the flags, and makes sure that what follows them is complete.
func parse(flags *flag.FlagSet, args []string, names ...string) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case flags.NArg() != len(names):
		return fmt.Errorf("%w: after %s and its flags comes %s", errUsage, flags.Name(), strings.Join(names, " "))
	}
	return nil
}
