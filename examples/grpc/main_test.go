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
	"strings"
	"testing"
	"time"
)

// TestMain is the example itself if it is given arguments of it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && (os.Args[1] == "serve" || os.Args[1] == "check") {
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

// next returns the next line.
func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatal("the process ended: ", lines.Err())
	}
	return lines.Text()
}

func TestBetweenProcesses(t *testing.T) {
	for _, scheme := range []string{"pipe", "shmnet"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			url := fmt.Sprintf("%s://example-grpc-%d", scheme, os.Getpid())
			client, answers := start(t, ctx, "check", url) // it waits for the server
			server, log := start(t, ctx, "serve", url)

			got := []string{next(t, log), next(t, answers), next(t, log), next(t, answers)}
			want := []string{
				"serving " + url,
				"check: SERVING",
				fmt.Sprintf("/grpc.health.v1.Health/Check by process %d", client.Process.Pid),
				"watch: SERVING",
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}

			if runtime.GOOS == "windows" { // it has no signal that another process could send
				server.Process.Kill()
			} else {
				server.Process.Signal(os.Interrupt)
				if line := next(t, answers); line != "watch: NOT_SERVING" {
					t.Errorf("after the interrupt: %q", line)
				}
			}
			if line := next(t, answers); !strings.HasPrefix(line, "watch ended: ") {
				t.Errorf("in the end: %q", line)
			}
			if err := client.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
