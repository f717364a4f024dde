package peerbench

import (
	"bytes"
	"context"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/worker"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// handshake is how a plugin knows that it is one.
var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "PEERBENCH_PLUGIN", MagicCookieValue: "echo"}

// plugins has the echo by net/rpc and by gRPC.
var plugins = map[int]plugin.PluginSet{
	1: {"echo": rpcPlugin{}},
	2: {"echo": grpcPlugin{}},
}

// isPlugin reports whether a benchmark has started this process as a plugin.
func isPlugin() bool { return os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue }

// servePlugin is the plugin's process.
func servePlugin() {
	cfg := &plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins[1], Logger: hclog.NewNullLogger()}
	if os.Getenv("PEERBENCH_GRPC") != "" {
		cfg.Plugins, cfg.GRPCServer = plugins[2], plugin.DefaultGRPCServer
	}
	plugin.Serve(cfg)
}

// Echo is the object that net/rpc calls.
type Echo struct{}

func (Echo) Bytes(in []byte, out *[]byte) error {
	*out = in
	return nil
}

type rpcPlugin struct{}

func (rpcPlugin) Server(*plugin.MuxBroker) (any, error)                  { return Echo{}, nil }
func (rpcPlugin) Client(_ *plugin.MuxBroker, c *rpc.Client) (any, error) { return c, nil }

type grpcPlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&echoService, nil)
	return nil
}

func (grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

// startPlugin starts this program as a plugin and returns what its client dispenses.
func startPlugin(b *testing.B, byGRPC bool) any {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cfg := &plugin.ClientConfig{
		HandshakeConfig: handshake, Plugins: plugins[1], Cmd: cmd, Logger: hclog.NewNullLogger(), Stderr: io.Discard,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolNetRPC},
	}
	if byGRPC {
		cmd.Env = append(os.Environ(), "PEERBENCH_GRPC=1")
		cfg.Plugins, cfg.AllowedProtocols = plugins[2], []plugin.Protocol{plugin.ProtocolGRPC}
	}
	client := plugin.NewClient(cfg)
	b.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		b.Fatal(err)
	}
	echo, err := protocol.Dispense("echo")
	if err != nil {
		b.Fatal(err)
	}
	return echo
}

// echoWorker is what the plugins do, as a function in a worker.
var echoWorker = worker.Define("echo", func(_ context.Context, p []byte) ([]byte, error) { return p, nil })

// echoing returns a Run that calls echo with payloads that are touched at this end.
func echoing(size int, echo func([]byte) ([]byte, error)) func(n int) error {
	in, seq := make([]byte, size), 0
	return func(n int) error {
		for range n {
			seq++
			bench.Fill(in, seq)
			out, err := echo(in)
			if err != nil {
				return err
			}
			if !bytes.Equal(in, out) {
				return bench.Check(out, seq)
			}
		}
		return nil
	}
}

// BenchmarkGoPlugin compares a call of a function in a worker with the same call of a
// plugin of hashicorp/go-plugin, over net/rpc and over gRPC.
func BenchmarkGoPlugin(b *testing.B) {
	const size = 64
	for _, protocol := range []string{"net/rpc", "gRPC"} {
		b.Run(protocol, func(b *testing.B) {
			pool, err := worker.Start(b.Context(), &worker.Config{Workers: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			ours := echoing(size, func(p []byte) ([]byte, error) { return echoWorker.Call(context.Background(), pool, p) })
			var theirs func([]byte) ([]byte, error)
			if protocol == "gRPC" {
				c := startPlugin(b, true).(*grpc.ClientConn)
				theirs = func(p []byte) ([]byte, error) {
					var out wrapperspb.BytesValue
					err := c.Invoke(context.Background(), echoMethod, wrapperspb.Bytes(p), &out)
					return out.Value, err
				}
			} else {
				c := startPlugin(b, false).(*rpc.Client)
				theirs = func(p []byte) (out []byte, err error) {
					err = c.Call("Plugin.Bytes", p, &out)
					return out, err
				}
			}
			ipctest.Compare(b,
				bench.Contender{Name: "worker", Run: ours, Bytes: size},
				bench.Contender{Name: "go-plugin, " + protocol, Run: echoing(size, theirs), Bytes: size})
		})
	}
}
