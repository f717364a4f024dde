//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// TestServerHangsDiesAndComesBack calls one server after the other by one client.
func TestServerHangsDiesAndComesBack(t *testing.T) {
	for _, scheme := range []string{"pipe", "shmnet"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			url := fmt.Sprintf("%s://example-grpc-ending-%d", scheme, os.Getpid())
			c, err := dial(url)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			check := func(service string, patience time.Duration) codes.Code {
				ctx, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				_, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
				return status.Code(err)
			}
			want := func(what string, got, want codes.Code) {
				t.Helper()
				if got != want {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}

			server, log := start(t, ctx, "serve", url)
			next(t, log)
			want("a call", check("", time.Minute), codes.OK)
			want("3 MiB", check(strings.Repeat("x", 3<<20), time.Minute), codes.NotFound) // there is no such service
			want("5 MiB, more than gRPC takes", check(strings.Repeat("x", 5<<20), time.Minute), codes.ResourceExhausted)

			stop(t, server.Process)
			want("a server that hangs", check("", 200*time.Millisecond), codes.DeadlineExceeded)
			server.Process.Signal(syscall.SIGCONT)
			want("the same, which goes on", check("", time.Minute), codes.OK)

			server.Process.Kill()
			server.Wait()
			_, log = start(t, ctx, "serve", url)
			next(t, log)
			want("the next server", check("", time.Minute), codes.OK)
		})
	}
}

// TestTerminated ends the server as a service manager does.
func TestTerminated(t *testing.T) {
	url := fmt.Sprintf("pipe://example-grpc-term-%d", os.Getpid())
	server, log := start(t, t.Context(), "serve", url)
	next(t, log)
	server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

// stop returns when the process has stopped, which is after kill(2) has returned.
func stop(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := syscall.Wait4(p.Pid, nil, syscall.WUNTRACED, nil)
		if err == nil {
			return
		}
		if err != syscall.EINTR {
			t.Fatal(err)
		}
	}
}
