package rpc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/rpc"
)

func frame(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }

// raw is the other side of a connection, byte by byte.
type raw struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func newRaw(t testing.TB, c net.Conn) *raw {
	c.SetDeadline(time.Now().Add(time.Minute))
	return &raw{t, c, bufio.NewReader(c)}
}

// serveRaw serves Calc to a raw client.
func serveRaw(t testing.TB, cfg *rpc.Config) *raw { return newRaw(t, serveConn(t, newCalc(), cfg)) }

// send writes in the background: the other side may close before it has read all.
func (r *raw) send(text string) *raw {
	go io.WriteString(r.Conn, text)
	return r
}

// next reads a message.
func (r *raw) next() (body string, err error) {
	header, err := textproto.NewReader(r.r).ReadMIMEHeader()
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r.r, b)
	return string(b), err
}

// expectAnswer expects a message that has all of the parts.
func (r *raw) expectAnswer(parts ...string) {
	r.t.Helper()
	body, err := r.next()
	for _, part := range parts {
		if err != nil || !strings.Contains(body, part) {
			r.t.Fatalf("%s, %v, want %q", body, err, part)
		}
	}
	if !json.Valid([]byte(body)) {
		r.t.Errorf("%s is no JSON", body)
	}
}

func (r *raw) expectEnd() {
	r.t.Helper()
	if rest, err := r.next(); err == nil {
		r.t.Fatalf("after the error came %s", rest)
	}
}

const addition = `{"jsonrpc":"2.0","id":1,"method":"Calc.Add","params":[1,2]}`

// What breaks the protocol is answered with an error that says so, and ends the connection.
func TestBrokenProtocolEndsTheConnection(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"too large":       {"Content-Length: 99999999999\r\n\r\n{", "exceeds the limit of 4194304"},
		"beyond 64 bits":  {"Content-Length: 99999999999999999999999999\r\n\r\n{", "exceeds the limit"},
		"negative":        {"Content-Length: -1\r\n\r\n", "is no number"},
		"signed":          {"Content-Length: +1\r\n\r\n1", "is no number"},
		"hexadecimal":     {"Content-Length: 0x10\r\n\r\n", "is no number"},
		"no length":       {"Content-Type: application/json\r\n\r\n{}", "lacks Content-Length"},
		"empty length":    {"Content-Length: \r\n\r\n{}", "is empty"},
		"twice":           {"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "each once"},
		"other header":    {"Content-Length: 2\r\nX: y\r\n\r\n{}", `not \"X: y\"`},
		"other type":      {"Content-Length: 2\r\nContent-Type: text/plain\r\n\r\n{}", "is not JSON"},
		"other charset":   {"Content-Length: 2\r\nContent-Type: application/json; charset=latin1\r\n\r\n{}", "is not JSON"},
		"endless header":  {strings.Repeat("x", 10<<10), "more than 4096 bytes"},
		"line feeds":      {"Content-Length: 2\n\n{}", "without CR LF"},
		"not framed":      {addition + "\r\n", "a header has Content-Length"},
		"no JSON":         {frame("hello"), "invalid JSON"},
		"cut JSON":        {frame(addition[:len(addition)-1]), "invalid JSON"},
		"cut JSON inside": {frame(`{"jsonrpc":"2.0","id":1,"method":"Calc.Add","params":[1,`), "invalid JSON"},
		"cut batch":       {frame(`[` + addition), "invalid JSON"},
		"large batch":     {frame("[" + strings.Repeat("1,", 1000) + "1]"), "more than 1000"},
		"batch answers":   {frame(`[{"jsonrpc":"2.0","id":1,"result":1}]`), "nothing was asked in a batch"},
		"wrong item":      {frame(`{"jsonrpc":"2.0","method":"rpc.item","params":[1]}`), "rpc.item takes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := serveRaw(t, nil).send(test.text)
			r.expectAnswer(`"id":null`, test.says)
			r.expectEnd()
		})
	}
}

// A page that a browser shows can't call: its request is HTTP.
func TestBrowserIsRefused(t *testing.T) {
	for _, method := range []string{"POST", "GET", "OPTIONS"} {
		r := serveRaw(t, nil).send(method + " /Calc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n" + frame(addition))
		answer, err := io.ReadAll(r.r)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 Bad Request\r\n") || !strings.Contains(string(answer), "this is HTTP") {
			t.Errorf("%s: %q, %v", method, answer, err)
		}
	}
}

// A request that is wrong in itself is answered, and the connection goes on.
func TestWrongRequestIsAnswered(t *testing.T) {
	r := serveRaw(t, nil)
	for _, test := range []struct{ text, says string }{
		{`1`, `"code":-32600`},
		{`{}`, `"code":-32600`},
		{`{"id":1,"method":"Calc.Add"}`, `"id":1,"error":{"code":-32600,"message":"\"jsonrpc\" is not \"2.0\""`},
		{`{"jsonrpc":"2.0","id":1}`, `"id":1,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":1,"method":7}`, `"id":1,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":{},"method":"Calc.Add"}`, `"id":null,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":1,"method":"Calc.Add","params":7}`, `"id":1,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":"a","method":"Calc.Add"}`, `"id":"a","error":{"code":-32602`},
		{`{"jsonrpc":"2.0","id":1.5,"method":"Calc.Add","params":{"a":1}}`, `"id":1.5,"error":{"code":-32602`},
		{`{"jsonrpc":"2.0","id":1,"method":"Nothing"}`, `"error":{"code":-32601`},
		{`{"jsonrpc":"2.0","id":1,"method":"rpc.other"}`, `"error":{"code":-32601`},
		{`{"jsonrpc":"2.0","id":1,"method":"$/other"}`, `"error":{"code":-32601`},
		{`{"jsonrpc":"2.0","id":1,"method":"rpc.stream","params":{"method":"Calc.Count","window":0}}`, `"error":{"code":-32602`},
		{`[]`, `"id":null,"error":{"code":-32600`},
		{`[1,` + addition + `,{"jsonrpc":"2.0","method":"Calc.Note","params":["x"]}]`, `{"jsonrpc":"2.0","id":1,"result":3}`},
		{`{"jsonrpc":"2.0","id":1,"method":"Calc.Move","params":{"X":1,"Y":2}}`, `"result":{"X":2,"Y":3}`},
		{`{"jsonrpc":"2.0","id":1,"method":"Calc.Add","params": [1,2] }`, `"result":3`},
		{`{"jsonrpc":"2.0","id":1,"method":"Calc.Sum","params": null }`, `"result":0`},
		{` { "params" : [ 1 , 2 ] , "method" : "Calc.Add" , "id" : "x\"" , "jsonrpc" : "2.0" } `, `"id":"x\"","result":3`},
		{`{"jsonrpc":"2.0","id":7,"result":"nothing asked for this"}` + "\r\n\r\n", ""},
		{addition, `{"jsonrpc":"2.0","id":1,"result":3}`},
	} {
		r.send(frame(test.text))
		if test.says != "" {
			r.expectAnswer(test.says)
		}
	}
}

// A message has to arrive in time once it has begun; before that there is no hurry.
func TestSlowMessageIsDropped(t *testing.T) {
	for _, part := range []string{"C", "Content-Length: 100\r\n\r\n{"} {
		r := serveRaw(t, &rpc.Config{ReadTimeout: 50 * time.Millisecond})
		start := time.Now()
		r.send(part)
		r.expectAnswer("did not arrive in time")
		r.expectEnd()
		if waited := time.Since(start); waited < 50*time.Millisecond {
			t.Errorf("dropped after %v", waited)
		}
	}
}

// The longest ReadTimeout is no time in the past, however large a message.
func TestLongestReadTimeout(t *testing.T) {
	r := serveRaw(t, &rpc.Config{ReadTimeout: math.MaxInt64})
	message := frame(addition)
	for _, part := range []string{message[:5], message[5:30], message[30:]} {
		if _, err := io.WriteString(r.Conn, part); err != nil {
			t.Fatal(err)
		}
	}
	r.expectAnswer(`"result":3`)
}

func TestResultTooLarge(t *testing.T) {
	c := inProcess(t, newCalc(), &rpc.Config{MaxMessage: 1000}, nil)
	_, err := rpc.Call[[]byte](background, c.Object("Calc"), "Echo", make([]byte, 690)) // 920 in base64
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != rpc.CodeTooLarge {
		t.Errorf("%v", err)
	}
	if _, err = rpc.Call[[]byte](background, c.Object("Calc"), "Echo", make([]byte, 100)); err != nil {
		t.Error(err)
	}
	// A message that the other side takes for too large ends the connection, and says why.
	_, err = rpc.Call[[]byte](background, c.Object("Calc"), "Echo", make([]byte, 2000))
	if !errors.As(err, &e) || e.Code != rpc.CodeTooLarge {
		t.Errorf("%v", err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add([]byte(frame(addition)))
	f.Add([]byte(frame(`[` + addition + `,1]`)))
	f.Add([]byte(frame(`{"jsonrpc":"2.0","id":"s","method":"rpc.stream","params":{"method":"Calc.Count","params":[9],"window":3}}`) +
		frame(`{"jsonrpc":"2.0","method":"rpc.more","params":["s",4]}`)))
	f.Add([]byte(frame(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}`) + "Content-Length: 1\r\n\r\n"))
	f.Add([]byte(frame(`{"jsonrpc":"2.0","id":null,"error":{"code":1}}`) + frame(`{"result":1,"id":0}`)))
	f.Add([]byte("POST / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		s, err := rpc.NewServer(&rpc.Config{ReadTimeout: time.Second, MaxMessage: 1 << 16})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Register("Calc", newFuzzed()); err != nil {
			t.Fatal(err)
		}
		here, there := net.Pipe()
		served := make(chan struct{})
		go func() { defer close(served); s.ServeConn(here) }()
		go io.Copy(io.Discard, there)
		there.Write(input)
		there.Close()
		<-served
	})
}

// fuzzed has no method that takes its time.
type fuzzed struct{ c *calc }

func newFuzzed() fuzzed                                         { return fuzzed{newCalc()} }
func (f fuzzed) Add(a, b int) int                               { return a + b }
func (f fuzzed) Move(p point) point                             { return f.c.Move(p) }
func (f fuzzed) Sum(x ...int) int                               { return sum(x) }
func (f fuzzed) Note(text string)                               {}
func (f fuzzed) Any(x any, m map[string]any) (any, error)       { return x, nil }
func (f fuzzed) Count(to uint8) func(yield func(item int) bool) { return count(int(to)) }

func count(to int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < to && yield(i); i++ {
		}
	}
}
