package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

// TestMain is the example itself if it is given arguments of it.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && (os.Args[1] == "serve" || os.Args[1] == "greet") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	if err := run(t.Context(), []string{"--help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	for _, args := range [][]string{nil, {"serve"}, {"sing", "pipe://x"}} {
		if err := run(t.Context(), args, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// start starts the example in a process of its own, whose lines it returns.
func start(t *testing.T, ctx context.Context, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// next returns the next lines.
func next(t *testing.T, lines *bufio.Scanner, n int) (text []string) {
	t.Helper()
	for range n {
		if !lines.Scan() {
			t.Fatalf("the process ended after %q: %v", text, lines.Err())
		}
		text = append(text, lines.Text())
	}
	return text
}

func TestBetweenProcesses(t *testing.T) {
	for _, scheme := range []string{"pipe", "shmnet"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			url := fmt.Sprintf("%s://example-connect-%d", scheme, os.Getpid())
			client, answers := start(t, ctx, "greet", url, "world") // it waits for the server
			server, log := start(t, ctx, "serve", url)

			got := append(next(t, answers, 6), next(t, log, 4)...)
			by := fmt.Sprintf("/example.Greeter/Greet by process %d", client.Process.Pid)
			want := []string{
				"hello world", "hello world", "hello world", "0", "1", "2",
				"serving " + url, "connect " + by, "grpc " + by, "grpcweb " + by,
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := client.Wait(); err != nil {
				t.Error(err)
			}

			if runtime.GOOS == "windows" { // it has no signal that another process could send
				return
			}
			server.Process.Signal(os.Interrupt)
			if err := server.Wait(); err != nil {
				t.Error("the server after the interrupt: ", err)
			}
		})
	}
}
