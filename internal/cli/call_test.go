package cli

import (
	"context"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

type calculator struct{ noted chan string }

func (calculator) Add(a, b int) int         { return a + b }
func (calculator) Text(s string) string     { return s + "\x1b" }
func (calculator) Fail() error              { return &rpc.Error{Code: 7, Message: "no", Data: []byte(`{"why":1}`)} }
func (c calculator) Note(text string)       { c.noted <- text }
func (calculator) Wait(ctx context.Context) { <-ctx.Done() }
func (calculator) Join(words ...string) any { return strings.Join(words, "") }
func (calculator) Count(to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < to && yield(i); i++ {
		}
	}
}

// serveCalculator serves Calc, and returns the URL of the server.
func serveCalculator(t *testing.T, cfg *rpc.Config) (url string, c calculator) {
	t.Helper()
	name := ipctest.UniqueName()
	l, err := pipe.Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return "pipe://" + name, serveCalculatorAt(t, l, cfg)
}

// serveCalculatorAt serves Calc at l, which it closes when the test ends.
func serveCalculatorAt(t *testing.T, l net.Listener, cfg *rpc.Config) calculator {
	t.Helper()
	s, err := rpc.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := calculator{make(chan string, 1)}
	if err := s.Register("Calc", c); err != nil {
		t.Fatal(err)
	}
	if err := s.RegisterFunc("double", func(n int) int { return 2 * n }); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestCall(t *testing.T) {
	url, calc := serveCalculator(t, nil)
	object := url + "/Calc"
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{object, "Add", "1", "2"}, "3\n"},
		{[]string{url + "#Calc", "Add", "1", "2"}, "3\n"},
		{[]string{url, "Calc.Add", "1", "2"}, "3\n"},
		{[]string{url, "double", "21"}, "42\n"},
		{[]string{object, "Text", `"a"`}, `"a\u001b"` + "\n"},
		{[]string{object, "Join", `"a"`, `"b"`}, `"ab"` + "\n"},
		{[]string{object, "Note", `"b"`}, "null\n"},
		{[]string{object, "Count", "3"}, "[0,1,2]\n"},
		{[]string{object, "Count", "3", "--stream"}, "0\n1\n2\n"},
		{[]string{object, "Count", "2", "--stream", "--json"}, `{"item":0}` + "\n" + `{"item":1}` + "\n"},
		{[]string{object, "Add", "1", "2", "--json"}, `{"result":3}` + "\n"},
		{[]string{object, "--list"}, "Calc.Add(integer, integer) integer\nCalc.Count(integer) stream of integer\nCalc.Fail()\n" +
			"Calc.Join(...string) any\nCalc.Note(string)\nCalc.Text(string) string\nCalc.Wait()\n"},
	} {
		if out := succeed(t, "", append([]string{"call"}, test.words...)...); out != test.want {
			t.Errorf("ipc call %q: %q, want %q", test.words, out, test.want)
		}
	}
	<-calc.noted
	if out := succeed(t, "", "call", object, "Note", `"x"`, "--notify"); out != "" || <-calc.noted != "x" {
		t.Errorf("%q", out)
	}
	if out := succeed(t, "", "call", url, "--list"); !strings.HasPrefix(out, "double(integer) integer\nCalc.Add(") {
		t.Errorf("%q", out)
	}
	if out := succeed(t, "", "call", url, "--list", "--json"); !strings.HasPrefix(out, `{"objects":[{"name":"","methods":[{"name":"double"`) {
		t.Errorf("%q", out)
	}
}

func TestCallFails(t *testing.T) {
	url, _ := serveCalculator(t, nil)
	object := url + "/Calc"
	for _, test := range []struct {
		words []string
		code  int
		says  string
	}{
		{[]string{object, "Fail"}, exitError, `rpc call Calc.Fail: no [7], with {"why":1}`},
		{[]string{object, "Add", "1"}, exitError, "Add takes 2 arguments, not 1"},
		{[]string{object, "Other"}, exitError, "it has Add, Count"},
		{[]string{url + "/Other", "--list"}, exitError, `has no object "Other"`},
		{[]string{object, "Text", "a"}, exitUsage, `a string has quotes: '"a"'`},
		{[]string{object}, exitUsage, "--list"},
		{[]string{object, "Add", "--list"}, exitUsage, "--list takes a URL alone"},
		{[]string{"pipe://" + ipctest.UniqueName(), "Add", "--timeout", "50ms"}, exitTimeout, "within 50ms"},
		{[]string{"shm://x", "Add"}, exitUsage, "serves no objects"},
		{[]string{object, "Add", "--timeout", "-1"}, exitUsage, "a time is not negative"},
		{[]string{"tcp://localhost/Calc", "Add"}, exitUsage, "an address is HOST:PORT"},
		{[]string{"tcp://localhost:70000/Calc", "Add"}, exitUsage, `"70000" is no port`},
	} {
		if r := run(t, "", append([]string{"call"}, test.words...)...); r.code != test.code || !strings.Contains(r.stderr, test.says) {
			t.Errorf("ipc call %q: %+v, want %d and %q", test.words, r, test.code, test.says)
		}
	}
	if r := run(t, "", "call", object, "Fail", "--json"); r.code != exitError || r.stdout != `{"error":{"code":7,"message":"no","data":{"why":1}}}`+"\n" {
		t.Errorf("%+v", r)
	}
}

// What is written on the command line of a call need not be protected from the command.
func TestCallArguments(t *testing.T) {
	url, _ := serveCalculator(t, nil)
	object := url + "/Calc"
	file := filepath.Join(t.TempDir(), "argument")
	if err := os.WriteFile(file, []byte("-40\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		stdin string
		words []string
		want  string
	}{
		{"", []string{object, "Add", "-1", "2"}, "1\n"},
		{"", []string{object, "Add", "--json", "-1", "-2", "--timeout", "1m"}, `{"result":-3}` + "\n"},
		{"", []string{object, "Add", "--", "-1", "2"}, "1\n"},
		{"", []string{object, "Text", `"-1"`}, `"-1\u001b"` + "\n"},
		{" 41\n", []string{object, "Add", "-", "1"}, "42\n"},
		{"41", []string{object, "Add", "-", "@" + file}, "1\n"},
	} {
		if out := succeed(t, test.stdin, append([]string{"call"}, test.words...)...); out != test.want {
			t.Errorf("ipc call %q: %q, want %q", test.words, out, test.want)
		}
	}
	wrong := map[string][]string{
		"there is one -":         {object, "Add", "-", "-"},
		"stands for is not JSON": {object, "Add", "-", "1"},
		"open " + file + "x":     {object, "Add", "@" + file + "x", "1"},
		"unknown shorthand flag": {object, "Add", "-x", "1"},
		"invalid argument":       {object, "Add", "1", "--timeout", "-1"},
		"mode is given 2 times":  {url + "?mode=0600&mode=0600#Calc", "Add"},
	}
	if runtime.GOOS != "windows" { // which has no such sockets here
		wrong["named after #: unix://"+file+"#Calc"] = []string{"unix://" + file + "/Calc", "Add"}
	}
	for says, words := range wrong {
		if r := run(t, "1 2", append([]string{"call"}, words...)...); r.code == 0 || !strings.Contains(r.stderr, says) {
			t.Errorf("ipc call %q: %+v, want %q", words, r, says)
		}
	}
}

// A call that --timeout ended says whether there was a server.
func TestCallThatTakesTooLong(t *testing.T) {
	silent := uniqueURL()
	l, err := endpoint.Listen(t.Context(), silent)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	large := strings.Repeat(" ", 4<<20) + "1"
	calculator, _ := serveCalculator(t, nil)
	for _, test := range []struct {
		url         string
		words       []string
		stdin, says string
	}{
		{uniqueURL() + "/Calc", []string{"Add", "-"}, "1", "no server listened at"},
		{calculator + "/Calc", []string{"Wait"}, "", "no result from"},
		{silent + "/Calc", []string{"Add", "-"}, "1", "no result from"},
		{silent + "/Calc", []string{"Add", "-"}, large, "no result from"},
	} {
		ipctest.Longer(t, func(limit time.Duration) error {
			start := time.Now()
			defer func() { ipctest.WantSince(t, start, limit+10*time.Second) }()
			r := run(t, test.stdin, append([]string{"call", "--timeout", limit.String(), test.url}, test.words...)...)
			if r.code != exitTimeout {
				t.Errorf("%s with %d bytes: %+v", test.url, len(test.stdin), r)
			}
			if !strings.Contains(r.stderr, test.says) {
				return fmt.Errorf("%s with %d bytes: %+v, want %q", test.url, len(test.stdin), r, test.says)
			}
			return nil
		})
	}
}

func TestCallWithToken(t *testing.T) {
	url, _ := serveCalculator(t, &rpc.Config{Token: "right"})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, "", "call", url, "double", "1", "--token-file", file); out != "2\n" {
		t.Errorf("%q", out)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "call", url, "double", "1", "--token-file", file); r.stdout != "2\n" || runtime.GOOS != "windows" && !strings.Contains(r.stderr, "mode 0640") {
		t.Errorf("%+v", r)
	}
	for token, says := range map[string]string{"": "present the token", "wrong": "the token is wrong"} {
		t.Setenv(tokenVariable, token)
		if r := run(t, "", "call", url, "double", "1"); r.code != exitError || !strings.Contains(r.stderr, says) {
			t.Errorf("%q: %+v", token, r)
		}
	}
	t.Setenv(tokenVariable, "right")
	if out := succeed(t, "", "call", url, "double", "1"); out != "2\n" {
		t.Errorf("%q", out)
	}
}

// A server at another mechanism is called the same way; one at TCP has a token, or knows
// its clients by their certificates.
func TestCallOverOtherMechanisms(t *testing.T) {
	cert, key := ipctest.CertificateFiles(t)
	tls := []string{"--cert", cert, "--key", key, "--ca", cert}
	shmnetName := ipctest.UniqueName()
	for scheme, test := range map[string]struct {
		address, object string
		token           string
		flags           []string
	}{
		"unix":   {filepath.Join(t.TempDir(), "s"), "#Calc", "", nil},
		"tcp":    {"127.0.0.1:0", "/Calc", "right", nil},
		"tls":    {"127.0.0.1:0", "/Calc", "", tls},
		"shmnet": {shmnetName, "/Calc", "", nil},
	} {
		t.Run(scheme, func(t *testing.T) {
			if scheme == "unix" && runtime.GOOS == "windows" {
				t.Skip("Unix sockets of package socket are for Unix")
			}
			l, address := listenForCalls(t, scheme, test.address, test.flags)
			serveCalculatorAt(t, l, &rpc.Config{Token: test.token})
			t.Setenv(tokenVariable, test.token)
			words := append([]string{"call", scheme + "://" + address + test.object, "Add", "1", "2"}, test.flags...)
			if out := succeed(t, "", words...); out != "3\n" {
				t.Errorf("%q", out)
			}
		})
	}
	words := append([]string{"call", "shmnet://" + shmnetName, "Add"}, tls...)
	if r := run(t, "", words...); r.code != exitUsage || !strings.Contains(r.stderr, "--cert is for tls://") {
		t.Errorf("ipc %q: %+v", words, r)
	}
}

// listenForCalls returns a listener, and the address by which a client finds it.
func listenForCalls(t *testing.T, scheme, address string, flags []string) (net.Listener, string) {
	t.Helper()
	if scheme == "shmnet" {
		l, err := shmnet.Listen(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l, address
	}
	url := scheme + "://" + address
	if scheme == "tls" {
		url += "?cert=" + flags[1] + "&key=" + flags[3] + "&ca=" + flags[5]
	}
	l, err := endpoint.Listen(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return l, l.Addr().String()
}
