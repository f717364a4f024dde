package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"net"
	"os"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// Calculator is what the examples serve.
type Calculator struct{}

func (Calculator) Add(a, b int) int { return a + b }

func (Calculator) Div(a, b int) (int, error) {
	if b == 0 {
		return 0, rpc.Errorf(1, "division by zero")
	}
	return a / b, nil
}

func (Calculator) Count(ctx context.Context, to int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range to {
			if !yield(i, ctx.Err()) {
				return
			}
		}
	}
}

// serveExample serves a calculator at a named pipe, in this process.
func serveExample(name string, cfg *rpc.Config) (*rpc.Server, error) {
	l, err := pipe.Listen(name, nil)
	if err != nil {
		return nil, err
	}
	s, err := rpc.NewServer(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.Register("Calc", Calculator{}); err != nil {
		return nil, err
	}
	go s.Serve(l)
	return s, nil
}

func Example() {
	// In one process:
	name := fmt.Sprintf("rpc-example-%d", os.Getpid())
	s, err := serveExample(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())

	// In another one:
	ctx := context.Background()
	c, err := rpc.Dial(ctx, func(ctx context.Context) (net.Conn, error) { return pipe.Dial(ctx, name, nil) }, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	calc := c.Object("Calc")
	sum, err := rpc.Call[int](ctx, calc, "Add", 1, 2)
	fmt.Println(sum, err)
	_, err = rpc.Call[int](ctx, calc, "Div", 1, 0)
	var e *rpc.Error
	fmt.Println(errors.As(err, &e), err)
	for i, err := range rpc.Stream[int](ctx, calc, "Count", 3) {
		fmt.Println(i, err)
	}
	// Output:
	// 3 <nil>
	// true rpc call Calc.Div: division by zero [1]
	// 0 <nil>
	// 1 <nil>
	// 2 <nil>
}

func ExampleBind() {
	here, there := net.Pipe()
	s, _ := rpc.NewServer(nil)
	s.Register("Calc", Calculator{})
	go s.ServeConn(here)

	ctx := context.Background()
	c, err := rpc.NewClient(ctx, there, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	var calc struct {
		Add   func(ctx context.Context, a, b int) (int, error) `rpc:",idempotent"`
		Count func(ctx context.Context, to int) iter.Seq2[int, error]
	}
	if err := rpc.Bind(&calc, c.Object("Calc")); err != nil {
		log.Fatal(err)
	}
	sum, err := calc.Add(ctx, 1, 2)
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

// A server tells a client how far it is by calling it back.
func ExampleIncoming_Caller() {
	here, there := net.Pipe()
	s, _ := rpc.NewServer(nil)
	s.RegisterFunc("build", func(ctx context.Context, what string) error {
		in, _ := rpc.IncomingFrom(ctx)
		_, err := rpc.Call[any](ctx, in.Caller("Progress"), "Show", "building "+what)
		return err
	})
	go s.ServeConn(here)

	ctx := context.Background()
	c, err := rpc.NewClient(ctx, there, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.Register("Progress", progress{})
	_, err = rpc.Call[any](ctx, c.Object(""), "build", "all")
	fmt.Println(err)
	// Output:
	// building all
	// <nil>
}

type progress struct{}

func (progress) Show(text string) { fmt.Println(text) }

// An interceptor lets one user only call what administrators need.
func ExampleInterceptor() {
	admins := map[string]bool{"0": true}
	guard := func(ctx context.Context, in *rpc.Incoming, next func(context.Context) (any, error)) (any, error) {
		if in.Object == "Admin" && !admins[in.Peer.User()] {
			return nil, rpc.Errorf(rpc.CodeUnauthorized, "%s is for administrators", in.FullName())
		}
		return next(ctx)
	}
	s, err := rpc.NewServer(&rpc.Config{Intercept: []rpc.Interceptor{guard}})
	fmt.Println(s != nil, err)
	// Output: true <nil>
}
