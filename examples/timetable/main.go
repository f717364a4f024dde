// Command timetable serves a page on which a person enters events and sees them in a
// week's table: README.md.
//
// Three processes take part: the browser with the page, this server, and a store that the
// server starts from the same program. The page can't touch files, the server doesn't, and
// the store is reached by no network.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
	"github.com/breezeway-ipc/breezeway/examples/timetable/web"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == store.Command {
		os.Exit(store.Main(os.Args[2:]))
	}
	file := flag.String("file", store.DefaultFile(), "where the timetable is kept")
	address := flag.String("listen", "127.0.0.1:0", "the `address` of loopback to serve at; port 0 takes a free one")
	flag.Parse()
	if problem := wrongUsage(*file); problem != "" {
		fmt.Fprintln(os.Stderr, "timetable:", problem)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *file, *address); err != nil {
		fmt.Fprintln(os.Stderr, "timetable:", err)
		os.Exit(1)
	}
}

func wrongUsage(file string) (problem string) {
	switch {
	case flag.NArg() > 0:
		return fmt.Sprintf("it takes no argument, and there is %q", flag.Arg(0))
	case file == "":
		return "-file is missing: the system has no folder for settings"
	}
	return ""
}

// run serves until ctx ends.
func run(ctx context.Context, file, address string) error {
	keeper, err := store.Keep(file, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	defer keeper.Close()
	server, err := web.Listen(address, keeper)
	if err != nil {
		return err
	}
	fmt.Println("The timetable is at", server.URL())
	fmt.Println("Its file:", file)
	fmt.Println("Its store:", keeper.URL()+"#"+store.Object)
	return server.Serve(ctx)
}
