//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestServerHangsDiesAndComesBack calls one server after the other by one client.
func TestServerHangsDiesAndComesBack(t *testing.T) {
	for _, scheme := range []string{"pipe", "shmnet"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			url := fmt.Sprintf("%s://example-connect-ending-%d", scheme, os.Getpid())
			transport := dialing(url)
			defer transport.CloseIdleConnections()
			greeter := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](
				&http.Client{Transport: transport}, base+greetProcedure)
			call := func(name string, patience time.Duration) error {
				ctx, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				answer, err := greeter.CallUnary(ctx, connect.NewRequest(wrapperspb.String(name)))
				if err == nil && answer.Msg.Value != "hello "+name {
					t.Errorf("the answer has %d bytes", len(answer.Msg.Value))
				}
				return err
			}

			server, log := start(t, ctx, "serve", url)
			next(t, log, 1)
			if err := call(strings.Repeat("x", 8<<20), time.Minute); err != nil {
				t.Error("8 MiB: ", err)
			}
			stop(t, server.Process)
			if err := call("you", 200*time.Millisecond); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
				t.Errorf("a server that hangs: %v", err)
			}
			server.Process.Signal(syscall.SIGCONT)
			if err := call("you", time.Minute); err != nil {
				t.Error("the same, which goes on: ", err)
			}

			server.Process.Kill()
			server.Wait()
			_, log = start(t, ctx, "serve", url)
			next(t, log, 1)
			if err := call("you", time.Minute); err != nil && connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("the connection to the first server: %v", err) // it may be found dead only now
			}
			if err := call("you", time.Minute); err != nil {
				t.Error("the next server: ", err)
			}
		})
	}
}

// TestTerminated ends the server as a service manager does.
func TestTerminated(t *testing.T) {
	url := fmt.Sprintf("pipe://example-connect-term-%d", os.Getpid())
	server, log := start(t, t.Context(), "serve", url)
	next(t, log, 1)
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
