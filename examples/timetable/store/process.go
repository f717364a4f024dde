package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// Command is the argument by which a program that can become a store becomes one.
const Command = "store"

// The exit codes of [Main].
const (
	exitError = 1
	exitUsage = 2
	exitTaken = 3 // another process serves this file
)

// ready is the line that a store prints when it serves.
const ready = "ready"

// drain is how long a store that ends goes on with calls that are under way.
const drain = 5 * time.Second

// URL returns the named pipe at which the store of a file is reached: all programs that
// mean the same file meet there.
func URL(file string) (string, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		file = filepath.Join(dir, filepath.Base(file))
	}
	return fmt.Sprintf("pipe://timetable-%x", sha256.Sum256([]byte(file)))[:len("pipe://timetable-")+16], nil
}

// Main is the store's process: it returns the exit code. It ends when standard input ends,
// and so with the process that started it, however that ends.
func Main(args []string) int {
	flags := flag.NewFlagSet(Command, flag.ContinueOnError)
	file := flags.String("file", "", "the timetable's `file`")
	if err := flags.Parse(args); err != nil || *file == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: store --file FILE; it ends with its standard input")
		return exitUsage
	}
	// Ctrl-C goes to all processes of a terminal. The program that was meant ends this one.
	signal.Ignore(os.Interrupt)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	err := serve(ctx, *file)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, os.ErrExist):
		return exitTaken
	}
	fmt.Fprintln(os.Stderr, err) // the keeper shows it
	return exitError
}

// serve serves a file until ctx ends. It fails with [os.ErrExist] if another process does.
func serve(ctx context.Context, file string) error {
	url, err := URL(file)
	if err != nil {
		return err
	}
	// The name of the pipe comes first: the process that has it may open the file. A name
	// is free as soon as its process is dead.
	listener, err := endpoint.Listen(ctx, url)
	if err != nil {
		return err
	}
	defer listener.Close()
	store, err := Open(file)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := rpc.NewServer(nil)
	if err != nil {
		return err
	}
	if err := server.Register(Object, newService(store, ctx)); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println(ready)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	return server.Shutdown(draining)
}

// DefaultFile is where a person's timetable is kept, "" if the system doesn't say.
func DefaultFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "breezeway-timetable", "timetable.db")
}
