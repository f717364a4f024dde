package peerbench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shmnet"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// maxGRPC is above gRPC's own bound of what it receives.
const maxGRPC = 8 << 20

// echoMethod is the one method of echoService.
const echoMethod = "/bench.Echo/Echo"

// echoService answers bytes with the same bytes.
var echoService = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Echo",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.BytesValue)
			return in, decode(in)
		},
	}},
}

// grpcServer serves gRPC at Args[0] over shared memory, at Args[1] over a Unix socket.
var grpcServer = ipctest.Helper("gRPC server", func(c *ipctest.Control) error {
	ours, err := shmnet.Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	bare, err := net.Listen("unix", c.Args[1])
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxGRPC))
	server.RegisterService(&echoService, nil)
	c.AtEnd(server.Stop)
	failed := make(chan error)
	for _, l := range []net.Listener{ours, bare} {
		go func() { failed <- server.Serve(l) }()
	}
	c.Say("listening")
	return <-failed
})

// grpcClients returns a client over shared memory and one over a Unix socket.
func grpcClients(t testing.TB) (ours, bare *grpc.ClientConn, pid int) {
	t.Helper()
	name, path := ipctest.UniqueName(), filepath.Join(os.TempDir(), ipctest.UniqueName())
	server := ipctest.Start(t, grpcServer, name, path)
	server.Expect("listening")
	client := func(dial func(context.Context, string) (net.Conn, error)) *grpc.ClientConn {
		c, err := grpc.NewClient("passthrough:///server",
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxGRPC)),
			grpc.WithContextDialer(dial))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ours = client(func(ctx context.Context, _ string) (net.Conn, error) { return shmnet.Dial(ctx, name, nil) })
	bare = client(func(context.Context, string) (net.Conn, error) { return net.Dial("unix", path) })
	return ours, bare, server.Process.Pid
}

// calls returns a function that makes n unary calls and checks the answers.
func calls(c *grpc.ClientConn, size int) func(n int) error {
	in, seq := &wrapperspb.BytesValue{Value: make([]byte, size)}, 0
	return func(n int) error {
		for range n {
			seq++
			bench.Fill(in.Value, seq)
			var out wrapperspb.BytesValue
			if err := c.Invoke(context.Background(), echoMethod, in, &out); err != nil {
				return err
			}
			if !bytes.Equal(in.Value, out.Value) {
				return bench.Check(out.Value, seq)
			}
		}
		return nil
	}
}

// TestGRPC has gRPC run over connections, unchanged.
func TestGRPC(t *testing.T) {
	ours, _, _ := grpcClients(t)
	for _, size := range []int{0, 64, 1 << 20} {
		if err := calls(ours, size)(10); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// BenchmarkGRPC compares unary calls with those over a Unix socket.
func BenchmarkGRPC(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			ours, bare, pid := grpcClients(b)
			ipctest.Compare(b,
				bench.Contender{Name: "gRPC over shmnet", Run: calls(ours, size), Bytes: size, PeerPID: pid},
				bench.Contender{Name: "over a Unix socket", Run: calls(bare, size), Bytes: size, PeerPID: pid})
		})
	}
}
