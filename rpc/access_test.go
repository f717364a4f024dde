package rpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// counted counts its calls.
type counted struct{ n atomic.Int32 }

func (c *counted) Add(a, b int) int { c.n.Add(1); return a + b }

// serveTCP serves an object on loopback.
func serveTCP(t *testing.T, object any, cfg *rpc.Config, wrap func(net.Listener) net.Listener) (dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	s, err := rpc.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Register("Calc", object); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(wrap(l)) }()
	t.Cleanup(func() {
		s.Shutdown(background)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}

func plain(l net.Listener) net.Listener { return l }

// hidden is a TCP listener that Serve doesn't know as one.
type hidden struct{ net.Listener }

func hide(l net.Listener) net.Listener { return hidden{l} }

func expectRefusal(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want a refusal that says %q", err, says)
	}
}

func TestTokenIsAskedForFirst(t *testing.T) {
	object := new(counted)
	dial := serveTCP(t, object, &rpc.Config{Token: "right"}, plain)
	_, err := rpc.Dial(background, dial, &rpc.Config{Token: "wrong"})
	expectRefusal(t, err, "the token is wrong")
	c := dialled(t, dial, nil)
	_, err = rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expectRefusal(t, err, "present the token")
	_, err = c.Describe(background)
	expectRefusal(t, err, "present the token")
	dialled(t, dial, nil).Object("Calc").Notify(background, "Add", 1, 2)
	for range rpc.Stream[int](background, dialled(t, dial, nil).Object("Calc"), "Add", 1, 2) {
	}
	r := newRaw(t, must(dial(background)))
	r.send(frame(`[{"jsonrpc":"2.0","id":1,"method":"rpc.authenticate","params":["wrong"]},` + addition + `]`))
	r.expectAnswer("wrong", "-32001")
	r.expectEnd()
	if n := object.n.Load(); n != 0 {
		t.Fatalf("%d calls were executed", n)
	}
	c = dialled(t, dial, &rpc.Config{Token: "right"})
	n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTokenIsAwaitedForAWhile(t *testing.T) {
	dial := serveTCP(t, new(counted), &rpc.Config{Token: "right", ReadTimeout: 50 * time.Millisecond}, plain)
	r := newRaw(t, must(dial(background)))
	r.expectAnswer("no token was presented")
	r.expectEnd()
}

// Every user of the machine can connect by TCP.
func TestTCPNeedsAToken(t *testing.T) {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	s := must(rpc.NewServer(nil))
	err := s.Serve(l)
	ipctest.WantError(t, err, os.ErrPermission, "Config.Token", "Config.Insecure")

	object := new(counted)
	c := dialled(t, serveTCP(t, object, nil, hide), nil)
	_, err = rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expectRefusal(t, err, "neither a token nor verified a certificate")
	if n := object.n.Load(); n != 0 {
		t.Errorf("%d calls were executed", n)
	}
	c = dialled(t, serveTCP(t, object, &rpc.Config{Insecure: true}, plain), nil)
	n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
}

// certificate returns a certificate for both ends, and a pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(der)))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A certificate that was verified stands for a token; TLS alone doesn't.
func TestMutualTLS(t *testing.T) {
	ours, pool := certificate(t)
	foreign, _ := certificate(t)
	for _, test := range []struct {
		name   string
		auth   tls.ClientAuthType
		client []tls.Certificate
		ok     bool
	}{
		{"verified", tls.RequireAndVerifyClientCert, []tls.Certificate{ours}, true},
		{"foreign", tls.RequireAndVerifyClientCert, []tls.Certificate{foreign}, false},
		{"foreign, not verified", tls.RequireAnyClientCert, []tls.Certificate{foreign}, false},
		{"none", tls.NoClientCert, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := new(counted)
			dial := serveTCP(t, object, nil, func(l net.Listener) net.Listener {
				return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: test.auth, ClientCAs: pool})
			})
			c := dialled(t, func(ctx context.Context) (net.Conn, error) {
				raw, err := dial(ctx)
				if err != nil {
					return nil, err
				}
				return tls.Client(raw, &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: test.client}), nil
			}, nil)
			n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
			if test.ok {
				expect(t, n, err, 3)
			} else if err == nil || object.n.Load() != 0 {
				t.Errorf("%d, %v, %d calls", n, err, object.n.Load())
			}
		})
	}
}

// An interceptor sees the caller and what it calls, and may refuse, change or watch it.
func TestInterceptors(t *testing.T) {
	var seen []string
	outer := func(ctx context.Context, in *rpc.Incoming, next func(context.Context) (any, error)) (any, error) {
		seen = append(seen, in.FullName()+string(in.Params))
		result, err := next(ctx)
		seen = append(seen, sprint(result))
		return result, err
	}
	inner := func(ctx context.Context, in *rpc.Incoming, next func(context.Context) (any, error)) (any, error) {
		switch in.Method {
		case "Fail":
			return nil, rpc.Errorf(9, "not for you")
		case "PID":
			panic("an interceptor")
		}
		result, err := next(ctx)
		if n, ok := result.(int); ok {
			result = n * 10
		}
		return result, err
	}
	c := inProcess(t, newCalc(), &rpc.Config{Intercept: []rpc.Interceptor{outer, inner}}, nil)
	o := c.Object("Calc")
	n, err := rpc.Call[int](background, o, "Add", 1, 2)
	expect(t, n, err, 30)
	var e *rpc.Error
	if _, err := rpc.Call[any](background, o, "Fail"); !errors.As(err, &e) || e.Code != 9 {
		t.Errorf("%v", err)
	}
	if _, err := rpc.Call[any](background, o, "PID"); !errors.As(err, &e) || e.Code != rpc.CodeInternal {
		t.Errorf("%v", err)
	}
	if got := strings.Join(seen, " "); got != "Calc.Add[1,2] 30 Calc.Fail <nil> Calc.PID" {
		t.Errorf("%s", got)
	}
}
