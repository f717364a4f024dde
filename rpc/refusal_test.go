package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// A refused certificate is final for calls that are repeated, too, and the error says which
// side refuses.
func TestRefusedCertificates(t *testing.T) {
	ours, pool := certificate(t)
	foreign, foreignPool := certificate(t)
	for _, test := range []struct {
		name   string
		client *tls.Config
		is     error
		says   []string
	}{
		{"the server refuses", &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{foreign}}, os.ErrPermission,
			[]string{"the other side refuses this one's certificate", "tls.Config.Certificates"}},
		{"the client refuses", &tls.Config{RootCAs: foreignPool, Certificates: []tls.Certificate{ours}}, os.ErrPermission,
			[]string{"this side refuses the other's certificate", "tls.Config.RootCAs"}},
		{"the name is another one", &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{ours}, ServerName: "elsewhere"}, os.ErrPermission,
			[]string{"this side refuses the other's certificate", "another name", "tls.Config.ServerName"}},
		{"none", &tls.Config{RootCAs: pool}, os.ErrPermission,
			[]string{"the other side wants a certificate", "tls.Config.Certificates"}},
	} {
		for _, early := range []bool{false, true} { // the handshake is a part of dialling
			t.Run(test.name, func(t *testing.T) {
				dial := serveTCP(t, new(counted), nil, func(l net.Listener) net.Listener {
					return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
				})
				if test.client.ServerName == "" {
					test.client.ServerName = "localhost"
				}
				err := callByTLS(dial, test.client, early)
				ipctest.WantError(t, err, test.is, test.says...)
			})
		}
	}
	dial := serveTCP(t, new(counted), &rpc.Config{Token: "t"}, plain)
	err := callByTLS(dial, &tls.Config{RootCAs: pool, ServerName: "localhost"}, false)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "does not speak TLS")
}

// callByTLS makes a call that is repeated, for up to 10 s.
func callByTLS(dial func(context.Context) (net.Conn, error), cfg *tls.Config, early bool) error {
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	c, err := rpc.Dial(ctx, func(ctx context.Context) (net.Conn, error) {
		raw, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		shaken := tls.Client(raw, cfg)
		if early {
			err = shaken.HandshakeContext(ctx)
		}
		if err != nil {
			raw.Close()
			return nil, err
		}
		return shaken, nil
	}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = rpc.Call[int](ctx, c.Object("Calc").Idempotent(), "Add", 1, 2)
	return err
}

// So is a refused token; the error names the field.
func TestRefusedTokenIsFinal(t *testing.T) {
	dial := serveTCP(t, new(counted), &rpc.Config{Token: "right"}, plain)
	_, err := rpc.Dial(background, dial, &rpc.Config{Token: "wrong"})
	ipctest.WantError(t, err, os.ErrPermission, "is Config.Token the server's?")
	c := dialled(t, dial, nil)
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	_, err = rpc.Call[int](ctx, c.Object("Calc").Idempotent(), "Add", 1, 2)
	ipctest.WantError(t, err, os.ErrPermission, "set Config.Token")
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != rpc.CodeUnauthorized {
		t.Error(err)
	}
}

// A client that calls again and again while there is no server tries it ever less often.
func TestTriesBecomeRare(t *testing.T) {
	tries := 0
	l := listen(t, "unix")
	c := dialled(t, func(ctx context.Context) (net.Conn, error) { tries++; return dialAt(l)(ctx) }, nil)
	must(l.Accept()).Close()
	l.Close()
	ctx, cancel := context.WithTimeout(background, time.Second)
	defer cancel()
	if _, err := rpc.Call[int](ctx, c.Object("Calc").Idempotent(), "Add", 1, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if tries > 12 { // with 50 ms between them 25
		t.Errorf("%d tries in a second", tries)
	}
}

// An interceptor learns by which connection a call came.
func TestInterceptorSeesTheConnection(t *testing.T) {
	ours, pool := certificate(t)
	names := make(chan []string, 1)
	cfg := &rpc.Config{Intercept: []rpc.Interceptor{func(ctx context.Context, in *rpc.Incoming, next func(context.Context) (any, error)) (any, error) {
		names <- in.Conn().(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames
		return next(ctx)
	}}}
	dial := serveTCP(t, new(counted), cfg, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	})
	if err := callByTLS(dial, &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: []tls.Certificate{ours}}, false); err != nil {
		t.Fatal(err)
	}
	if got := <-names; len(got) != 1 || got[0] != "localhost" {
		t.Error(got)
	}
	if conn := new(rpc.Incoming).Conn(); conn != nil {
		t.Error(conn)
	}
}
