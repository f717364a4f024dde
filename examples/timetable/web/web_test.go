package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/examples/timetable/event"
	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// fake is a store that keeps the last event; the tests of this module's command have the
// real one.
type fake struct {
	last    event.Event
	err     error
	changed chan struct{}
}

func (f *fake) Put(_ context.Context, e event.Event) (event.Event, error) {
	f.last = e
	return e, f.err
}
func (f *fake) Delete(context.Context, string) error { return f.err }
func (f *fake) Between(context.Context, time.Time, time.Time) (store.Page, error) {
	return store.Page{Events: []event.Event{f.last}}, f.err
}
func (f *fake) State() (store.State, <-chan struct{}) {
	return store.State{Phase: store.Running, PID: 42}, f.changed
}

// start serves until the test ends.
func start(t *testing.T, f *fake) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0", f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// request asks as the page does, but for the given headers.
func request(t *testing.T, method, url, body string, headers ...string) (code int, text string, header http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method != http.MethodGet {
		r.Header.Set("Origin", "http://"+r.Host)
	}
	for _, h := range headers {
		switch name, value, _ := strings.Cut(h, ": "); {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(got), answer.Header
}

const maths = `{"name":"Maths","start":"2026-11-23T09:00","end":"2026-11-23T10:00","zone":"UTC"}`

func TestOnlyThePageMayAsk(t *testing.T) {
	f := &fake{}
	s := start(t, f)
	port := s.listener.Addr().String()[len("127.0.0.1"):]
	one := s.URL() + "events/a"
	wrong := "http://127.0.0.1" + port + "/" + newToken() + "/"
	for _, c := range []struct {
		what, method, url string
		headers           []string
		want              int
	}{
		{"the page", "GET", s.URL(), nil, 200},
		{"the page, from a link", "GET", s.URL(), []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},
		{"a change", "PUT", one, nil, 200},
		{"a name that resolves to 127.0.0.1", "GET", s.URL(), []string{"Host: evil.example" + port}, 421},
		{"localhost, which another program may be", "GET", s.URL(), []string{"Host: localhost" + port}, 421},
		{"another port", "GET", s.URL(), []string{"Host: 127.0.0.1:1"}, 421},
		{"another page's question", "GET", s.URL(), []string{"Origin: http://evil.example"}, 403},
		{"another page's script", "GET", s.URL() + "page.js", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"another page's change", "PUT", one, []string{"Origin: http://evil.example"}, 403},
		{"a page in a sandbox", "PUT", one, []string{"Origin: null"}, 403},
		{"another port's page", "PUT", one, []string{"Origin: http://127.0.0.1:1"}, 403},
		{"a change without an origin", "PUT", one, []string{"Origin: "}, 403},
		{"a deletion without an origin", "DELETE", one, []string{"Origin: "}, 403},
		{"no token", "GET", "http://127.0.0.1" + port + "/", nil, 404},
		{"no token, but a file", "GET", "http://127.0.0.1" + port + "/page.js", nil, 404},
		{"a wrong token", "GET", wrong, nil, 404},
		{"a change with a wrong token", "PUT", wrong + "events/a", nil, 404},
		{"half of the token", "GET", strings.TrimSuffix(s.URL(), "/")[:len(s.URL())-5] + "/", nil, 404},
		{"another method", "POST", s.URL() + "events", nil, 405},
		{"a file that isn't there", "GET", s.URL() + "../server.go", nil, 404},
	} {
		code, text, header := request(t, c.method, c.url, maths, c.headers...)
		if code != c.want {
			t.Errorf("%s: %d %s, want %d", c.what, code, text, c.want)
		}
		if code != 200 && strings.Contains(text, s.token) {
			t.Errorf("%s: the refusal tells the token", c.what)
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", c.what, policy)
		}
		if header.Get("Access-Control-Allow-Origin") != "" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: the headers are %v", c.what, header)
		}
	}
}

// A stranger that sends half of a request, and no more, keeps no connection.
func TestRefusedRequestsKeepNoConnection(t *testing.T) {
	s := start(t, &fake{})
	for _, first := range []string{
		"POST /x/ HTTP/1.1\r\nHost: " + s.host() + "\r\nOrigin: http://evil.example\r\n",
		"PUT /x/ HTTP/1.1\r\nHost: " + s.host() + "\r\nOrigin: http://" + s.host() + "\r\n",
		"GET / HTTP/1.1\r\nHost: evil.example\r\n",
	} {
		conn, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(ipctest.Patience))
		if _, err := io.WriteString(conn, first+"Content-Length: 100000\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(string(answer), "Connection: close") {
			t.Errorf("%.30s: %q, %v", first, answer, err)
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "192.0.2.1:80", "[::]:0"} {
		if s, err := Listen(address, &fake{}); err == nil {
			t.Errorf("it listens at %s", s.URL())
		}
	}
}

func TestAnswers(t *testing.T) {
	f := &fake{}
	s := start(t, f)
	if code, text, _ := request(t, "PUT", s.URL()+"events/a-1", `{"id":"b","name":" Maths ","start":"2026-11-23T09:00","end":"2026-11-23T10:00","zone":"UTC"}`); code != 200 || f.last.ID != "a-1" {
		t.Errorf("%d %s, and the id is %q: that of the path counts", code, text, f.last.ID)
	}
	for _, c := range []struct {
		method, path, body string
		err                error
		code               int
		text               string
	}{
		{"PUT", "events/a", `{"name":""}`, nil, 422, `"name":"Give the event a name."`},
		{"PUT", "events/a", `[]`, nil, 400, "16 KiB"},
		{"PUT", "events/a", `{"name":"` + strings.Repeat("a", 20<<10) + `"}`, nil, 400, "16 KiB"},
		{"PUT", "events/a", maths, event.Problems{"name": "No."}, 422, `{"name":"No."}`},
		{"PUT", "events/a", maths, errors.New("the disk is full"), 500, "the disk is full"},
		{"DELETE", "events/a", "", nil, 200, "null"},
		{"GET", "events?from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00.000Z", "", nil, 200, `"id":"a"`},
		{"GET", "events?from=yesterday&to=", "", nil, 400, "instants"},
	} {
		f.err = c.err
		if code, text, _ := request(t, c.method, s.URL()+c.path, c.body); code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", c.method, c.path, c.body, code, text, c.code, c.text)
		}
	}
}

func TestStateIsSentWhenItChanges(t *testing.T) {
	f := &fake{changed: make(chan struct{})}
	s := start(t, f)
	answer, err := http.Get(s.URL() + "state")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for range 2 {
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
		}
		var state store.State
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &state); err != nil || state.PID != 42 {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		select {
		case f.changed <- struct{}{}: // one change
		case <-time.After(ipctest.Patience):
			t.Fatal("changes are not waited for")
		}
	}
}
