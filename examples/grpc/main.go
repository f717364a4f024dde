// Command grpc serves gRPC, and calls it, over whatever a URL names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

const usage = "usage: grpc serve URL, or grpc check URL, such as pipe://health"

var errUsage = errors.New(usage)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println(usage)
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(ctx, args[1], out)
	case len(args) == 2 && args[0] == "check":
		return check(ctx, args[1], out)
	}
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		return flag.ErrHelp
	}
	return errUsage
}

// serve serves the health of this program at url until ctx ends.
func serve(ctx context.Context, url string, out io.Writer) error {
	l, err := endpoint.Listen(ctx, url)
	if err != nil {
		return err
	}
	s := grpc.NewServer(
		grpc.Creds(processCredentials{}),
		grpc.UnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			fmt.Fprintf(out, "%s by process %d\n", info.FullMethod, callerOf(ctx).PID)
			return next(ctx, in)
		}))
	state := health.NewServer() // the generated code that grpc brings; yours goes here
	healthpb.RegisterHealthServer(s, state)
	defer context.AfterFunc(ctx, func() {
		state.Shutdown() // tells those that watch
		time.AfterFunc(time.Second, s.Stop)
		s.GracefulStop()
	})()
	fmt.Fprintln(out, "serving", url)
	return s.Serve(l) // closes l
}

// dial returns a client of the server at url, which may start later.
func dial(url string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+url,
		grpc.WithTransportCredentials(processCredentials{}),
		grpc.WithContextDialer(func(ctx context.Context, url string) (net.Conn, error) {
			return endpoint.DialWait(ctx, url)
		}))
}

// check waits for the server at url, and prints its health until it ends.
func check(ctx context.Context, url string, out io.Writer) error {
	c, err := dial(url)
	if err != nil {
		return err
	}
	defer c.Close()
	client := healthpb.NewHealthClient(c)
	answer, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "check:", answer.Status)
	news, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
	for err == nil {
		if answer, err = news.Recv(); err == nil {
			fmt.Fprintln(out, "watch:", answer.Status)
		}
	}
	fmt.Fprintln(out, "watch ended:", err)
	return nil
}
