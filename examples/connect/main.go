// Command connect serves Connect, and calls it, over whatever a URL names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"connectrpc.com/connect"
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/endpoint"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What protoc-gen-connect-go would generate from
//
//	service Greeter {
//	  rpc Greet(google.protobuf.StringValue) returns (google.protobuf.StringValue);
//	  rpc Count(google.protobuf.Int64Value) returns (stream google.protobuf.Int64Value);
//	}
const (
	greetProcedure = "/example.Greeter/Greet"
	countProcedure = "/example.Greeter/Count"
)

const usage = "usage: connect serve URL, or connect greet URL NAME; a URL is such as pipe://greeter"

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
		fmt.Fprintln(os.Stderr, "connect:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(ctx, args[1], out)
	case len(args) == 3 && args[0] == "greet":
		return greet(ctx, args[1], args[2], out)
	}
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		return flag.ErrHelp
	}
	return errUsage
}

// serve serves at url until ctx ends.
func serve(ctx context.Context, url string, out io.Writer) error {
	l, err := endpoint.Listen(ctx, url)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(greetProcedure, connect.NewUnaryHandler(greetProcedure,
		func(ctx context.Context, in *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
			fmt.Fprintf(out, "%s %s by process %d\n", in.Peer().Protocol, in.Spec().Procedure, callerOf(ctx).PID)
			return connect.NewResponse(wrapperspb.String("hello " + in.Msg.Value)), nil
		}))
	mux.Handle(countProcedure, connect.NewServerStreamHandler(countProcedure,
		func(_ context.Context, in *connect.Request[wrapperspb.Int64Value], answers *connect.ServerStream[wrapperspb.Int64Value]) error {
			for i := range in.Msg.Value {
				if err := answers.Send(wrapperspb.Int64(i)); err != nil {
					return err
				}
			}
			return nil
		}))

	s := &http.Server{Handler: mux, Protocols: protocols(), ConnContext: withCaller}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	})()
	fmt.Fprintln(out, "serving", url)
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) { // closes l
		return err
	}
	return <-stopped
}

// base is the URL for Connect. The name of the host goes into a header and says nothing
// about where it is.
const base = "http://greeter"

// dialing reaches the server at url, which may start later.
func dialing(url string) *http.Transport {
	return &http.Transport{
		Protocols: protocols(),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return endpoint.DialWait(ctx, url)
		},
	}
}

// greet waits for the server at url, and calls it by each of Connect's protocols.
func greet(ctx context.Context, url, name string, out io.Writer) error {
	transport := dialing(url)
	defer transport.CloseIdleConnections()
	for _, option := range []connect.ClientOption{connect.WithProtoJSON(), connect.WithGRPC(), connect.WithGRPCWeb()} {
		greeter := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](
			&http.Client{Transport: transport}, base+greetProcedure, option)
		answer, err := greeter.CallUnary(ctx, connect.NewRequest(wrapperspb.String(name)))
		if err != nil {
			return err
		}
		fmt.Fprintln(out, answer.Msg.Value)
	}
	counter := connect.NewClient[wrapperspb.Int64Value, wrapperspb.Int64Value](
		&http.Client{Transport: transport}, base+countProcedure)
	answers, err := counter.CallServerStream(ctx, connect.NewRequest(wrapperspb.Int64(3)))
	if err != nil {
		return err
	}
	defer answers.Close()
	for answers.Receive() {
		fmt.Fprintln(out, answers.Msg().Value)
	}
	return answers.Err()
}

// protocols is HTTP/2 without TLS, which gRPC's protocol needs, and so do streams in both
// directions. Connect's own does with HTTP/1, which is quicker to connect.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

type callerKey struct{}

// withCaller lets a handler see the process at the other end. The listener has refused
// other users' processes before.
func withCaller(ctx context.Context, c net.Conn) context.Context {
	if known, ok := c.(interface{ Peer() breezeway.Peer }); ok {
		return context.WithValue(ctx, callerKey{}, known.Peer())
	}
	return ctx
}

// callerOf returns the process that made a request, given the request's context.
func callerOf(ctx context.Context) breezeway.Peer {
	p, ok := ctx.Value(callerKey{}).(breezeway.Peer)
	if !ok {
		return breezeway.Peer{UID: -1, GID: -1} // TCP doesn't tell
	}
	return p
}
