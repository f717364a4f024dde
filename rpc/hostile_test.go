package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// A server that sends calls and reads next to nothing is dropped by its client.
func TestClientIsNotFlooded(t *testing.T) {
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"x"}`,
		"[" + strings.TrimSuffix(strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"x"},`, 20), ",") + "]",
	} {
		here, there := net.Pipe()
		c := must(rpc.NewClient(background, here, &rpc.Config{MaxMessage: 8 << 10, MaxCalls: 4}))
		var trickle sync.WaitGroup
		trickle.Go(func() {
			for {
				if _, err := there.Read(make([]byte, 1)); err != nil {
					return
				}
				<-time.After(time.Millisecond)
			}
		})
		sent, flood := 0, strings.Repeat(frame(message), 10)
		there.SetWriteDeadline(time.Now().Add(time.Minute))
		for {
			n, err := io.WriteString(there, flood)
			if sent += n; err != nil {
				break
			}
			if sent > 50<<20 {
				t.Fatalf("a client took %d bytes of calls", sent)
			}
		}
		t.Logf("it took %d bytes", sent)
		there.Close()
		trickle.Wait()
		c.Close()
	}
}

func TestBatchAnswerIsBounded(t *testing.T) {
	const limit = 64 << 10
	r := serveRaw(t, &rpc.Config{MaxMessage: limit})
	var requests []string
	for i := range 500 {
		requests = append(requests, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"Calc.Echo","params":["AAAA"]}`, i))
	}
	requests[0] = `{"jsonrpc":"2.0","id":"large","method":"Calc.Big","params":[60000]}`
	r.send(frame("[" + strings.Join(requests, ",") + "]"))
	body, err := r.next()
	if err != nil || len(body) > limit || strings.Count(body, `"id":`) != 500 || !strings.Contains(body, `"id":"large","error":{"code":-32003`) {
		t.Errorf("%d bytes, %d answers, %v: %.200s", len(body), strings.Count(body, `"id":`), err, body)
	}
}

func (*calc) Big(n int) string { return strings.Repeat("x", n) }

func TestIDsAreBounded(t *testing.T) {
	r := serveRaw(t, nil)
	r.send(frame(`{"jsonrpc":"2.0","id":"` + strings.Repeat("i", 1<<20) + `","method":"rpc.stream","params":{"method":"Calc.Count","params":[200],"window":1000}}`))
	r.expectAnswer(`"id":null`, "an id has 1048578 bytes")
	r.send(frame(addition))
	r.expectAnswer(`"result":3`)
}

// Two spellings of an id are the same.
func TestCancelByAnotherSpelling(t *testing.T) {
	for id, other := range map[string]string{`"a/b"`: `"a\/b"`, `"\u00e9"`: `"é"`, `7`: `7.0`, `100`: `1e2`} {
		object := newCalc()
		r := newRaw(t, serveConn(t, object, nil))
		r.send(frame(`{"jsonrpc":"2.0","id":` + id + `,"method":"Calc.Block"}`))
		<-object.entered
		r.send(frame(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":` + other + `}}`))
		r.expectAnswer(`"id":`+id, "-32800")
	}
}

// Of a thousand guesses in a batch none but the first is judged, and the log has a line.
func TestGuessesOfATokenAreJudgedOneByOne(t *testing.T) {
	log := new(lines)
	r := serveRaw(t, &rpc.Config{Token: "7", Logger: slog.New(slog.NewTextHandler(log, nil))})
	var guesses []string
	for i := range 200 {
		guesses = append(guesses, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"rpc.authenticate","params":["%[1]d"]}`, i))
	}
	r.send(frame("[" + strings.Join(guesses, ",") + "]"))
	body, err := r.next()
	if err != nil || strings.Contains(body, "true") || strings.Count(body, "the token is wrong") != 200 {
		t.Errorf("%.300s, %v", body, err)
	}
	r.expectEnd()
	if n := log.count(); n != 1 {
		t.Errorf("%d lines", n)
	}
	r = serveRaw(t, &rpc.Config{Token: "7", Logger: slog.New(slog.NewTextHandler(log, nil))})
	r.send(frame("[" + strings.TrimSuffix(strings.Repeat(`{"jsonrpc":"2.0","method":"x"},`, 1000), ",") + "]"))
	r.expectEnd()
	if n := log.count(); n != 2 {
		t.Errorf("%d lines", n)
	}
}

// lines counts what is written.
type lines struct {
	mu sync.Mutex
	n  int
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n += bytes.Count(b, []byte{'\n'})
	return len(b), nil
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// All calls of a connection that presented no token learn so.
func TestEveryCallLearnsOfTheToken(t *testing.T) {
	l := listen(t, "tcp")
	serveAt(t, l, newCalc(), &rpc.Config{Token: "x"})
	for range 50 {
		o := dialled(t, dialAt(l), nil).Object("Calc")
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				_, err := rpc.Call[int](background, o, "Add", 1, 2)
				expectRefusal(t, err, "present the token")
			})
		}
		callers.Wait()
	}
}

func TestMessagesBeforeTheTokenAreSmall(t *testing.T) {
	r := serveRaw(t, &rpc.Config{Token: "x"})
	r.send(frame(strings.Repeat(" ", 64<<10+1)))
	r.expectAnswer("exceeds the limit of 65536")
	r.expectEnd()
	r = serveRaw(t, &rpc.Config{Token: "x"})
	r.send(frame(`{"jsonrpc":"2.0","id":1,"method":"rpc.authenticate","params":["x"]}`))
	r.expectAnswer("true")
	r.send(frame(strings.Repeat(" ", 100_000) + addition))
	r.expectAnswer(`"result":3`)
}

func TestMaxConns(t *testing.T) {
	l := listen(t, "unix")
	s := serveAt(t, l, newCalc(), &rpc.Config{MaxConns: 2})
	clients := []*rpc.Client{dialled(t, dialAt(l), nil), dialled(t, dialAt(l), nil)}
	for _, c := range clients {
		n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
		expect(t, n, err, 3)
	}
	third := dialled(t, dialAt(l), nil)
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if _, err := rpc.Call[int](ctx, third.Object("Calc"), "Add", 1, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	clients[0].Close()
	n, err := rpc.Call[int](background, third.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
	if stats := s.Stats(); stats.Open != 2 {
		t.Errorf("%+v", stats)
	}
	_, err = rpc.Dial(background, dialAt(l), &rpc.Config{MaxConns: 2})
	ipctest.WantError(t, err, os.ErrInvalid, "Config.MaxConns")
}

// wrapped hides what a connection is, as many do that count or limit connections.
type wrapped struct{ net.Conn }

// breaking is a connection that can't continue a write which timed out, as those of TLS.
type breaking struct {
	net.Conn
	mu     sync.Mutex
	broken bool
}

func (c *breaking) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return 0, errors.New("broken by a timeout")
	}
	n, err := c.Conn.Write(b)
	c.broken = errors.Is(err, os.ErrDeadlineExceeded)
	return n, err
}

// Writes on connections of unknown types are not interrupted.
func TestWritesThatCannotContinue(t *testing.T) {
	l := listen(t, "unix")
	defer l.Close()
	c := must(dialAt(l)(background))
	s := must(rpc.NewServer(&rpc.Config{Insecure: true}))
	s.Register("Calc", newCalc())
	conn := must(l.Accept())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeConn(wrapped{&breaking{Conn: conn}}) }()
	r := newRaw(t, c)
	for i := range 10 {
		r.send(frame(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"Calc.Big","params":[300000]}`, i)))
	}
	<-time.After(50 * time.Millisecond) // longer than a write that could continue would be tried
	for range 10 {
		r.expectAnswer("xxx")
	}
	r.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A socket without a file has no permissions: the peer's user decides.
func TestUnixSocketsWithoutAFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract names are Linux's")
	}
	l, err := net.Listen("unix", "@"+ipctest.UniqueName())
	if err != nil {
		t.Fatal(err)
	}
	serveAt(t, l, newCalc(), nil)
	n, err := rpc.Call[int](background, dialled(t, dialAt(l), nil).Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
	if os.Getuid() != 0 {
		t.Skip("to be another user needs root")
	}
	out := asNobody(t, `
import socket,sys
s=socket.socket(socket.AF_UNIX); s.connect("\0"+sys.argv[1])
m=b'{"jsonrpc":"2.0","id":1,"method":"Calc.Add","params":[40,2]}'
s.sendall(b"Content-Length: %d\r\n\r\n"%len(m)+m)
print(s.recv(1000))`, l.Addr().String()[1:])
	if !strings.Contains(out, "-32001") {
		t.Errorf("%s", out)
	}
}

// An answer without a result is no success, and one whose result is null is.
func TestAnswerWithoutResult(t *testing.T) {
	here, there := net.Pipe()
	c := must(rpc.NewClient(background, here, nil))
	defer c.Close()
	r := newRaw(t, there)
	defer there.Close()
	for _, test := range []struct {
		answer string
		want   error
	}{
		{`"error":null`, breezeway.ErrMismatch}, {`"error":null,"result":null`, nil}, {`"result":null`, nil}, {`"result":1,"error":null`, nil},
	} {
		ended := make(chan error, 1)
		go func() {
			_, err := rpc.Call[any](background, c.Object("Calc"), "Add")
			ended <- err
		}()
		var asked struct{ ID json.RawMessage }
		if err := json.Unmarshal([]byte(must(r.next())), &asked); err != nil {
			t.Fatal(err)
		}
		r.send(frame(`{"jsonrpc":"2.0","id":` + string(asked.ID) + `,` + test.answer + `}`))
		if err := <-ended; !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.answer, err, test.want)
		}
	}
}

// An error that belongs to no request is not what ended the connection much later.
func TestErrorWithoutRequest(t *testing.T) {
	here, there := net.Pipe()
	c := must(rpc.NewClient(background, here, nil))
	defer c.Close()
	r := newRaw(t, there)
	note := frame(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what was that"}}`)
	ended := make(chan error, 1)
	call := func() {
		_, err := rpc.Call[any](background, c.Object("Calc"), "Add")
		ended <- err
	}
	go call()
	r.next()
	r.send(note + frame(`{"jsonrpc":"2.0","id":1,"result":true}`))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	go call()
	r.next()
	there.Close()
	var e *rpc.Error
	if err := <-ended; !errors.Is(err, rpc.ErrLost) || errors.As(err, &e) {
		t.Errorf("%v", err)
	}

	here, there = net.Pipe()
	c = must(rpc.NewClient(background, here, nil))
	defer c.Close()
	go func() {
		r := newRaw(t, there)
		r.next()
		io.WriteString(there, note)
		there.Close()
	}()
	_, err := rpc.Call[any](background, c.Object("Calc"), "Add")
	ipctest.WantError(t, err, rpc.ErrLost, "what was that")
	ipctest.WantError(t, err, breezeway.ErrMismatch)
}

func TestNilArguments(t *testing.T) {
	_, err := rpc.Dial(background, nil, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = rpc.Dial(background, func(context.Context) (net.Conn, error) { return nil, nil }, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = rpc.NewClient(background, nil, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	s := must(rpc.NewServer(nil))
	ipctest.WantError(t, s.Serve(nil), os.ErrInvalid)
	ipctest.WantError(t, s.ServeConn(nil), os.ErrInvalid)
}

// Millions of arguments cost no more than to be read.
func TestTooManyArguments(t *testing.T) {
	o := inProcess(t, newCalc(), nil, nil).Object("Calc")
	for n, want := range map[int]string{1: "takes 2 arguments, not 1", 3: "takes 2 arguments, not 3 [", 4: "not 3 or more", 500_000: "not 3 or more"} {
		_, err := rpc.Call[int](background, o, "Add", make([]any, n)...)
		ipctest.WantError(t, err, os.ErrInvalid, want)
	}
}
