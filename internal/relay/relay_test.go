package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is an End whose other side is the test.
type fake struct {
	comes    chan string             // what Next returns; io.EOF when it is closed
	put      func(data string) error // what Put does
	settled  chan error              // gets what settle is told, if it isn't nil
	ended    chan struct{}           // closed by EndPut
	closed   chan struct{}
	once     sync.Once
	cantTell bool // EndPut can't say that there is no more
	nexts    chan struct{}
}

func newFake() *fake {
	return &fake{
		comes: make(chan string, 100), ended: make(chan struct{}), closed: make(chan struct{}), nexts: make(chan struct{}, 1000),
		put: func(string) error { return nil },
	}
}

func (f *fake) Next(context.Context) ([]byte, func(context.Context, error) error, error) {
	f.nexts <- struct{}{}
	select {
	case text, ok := <-f.comes:
		if !ok {
			return nil, nil, io.EOF
		}
		if f.settled == nil {
			return []byte(text), nil, nil
		}
		return []byte(text), func(_ context.Context, lost error) error { f.settled <- lost; return nil }, nil
	case <-f.closed:
		return nil, nil, net.ErrClosed
	}
}

func (f *fake) EndNext() bool                            { return true }
func (f *fake) Put(_ context.Context, data []byte) error { return f.put(string(data)) }
func (f *fake) Taken(context.Context) error              { return nil }
func (f *fake) EndPut(context.Context) (said bool, _ error) {
	if !f.cantTell {
		close(f.ended)
	}
	return !f.cantTell, nil
}

func (f *fake) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// joined joins two ends beside the test.
func joined(ctx context.Context, r *Relay, a, b End) (result chan error) {
	result = make(chan error, 1)
	go func() { result <- r.Join(ctx, 1, a, b) }()
	return result
}

// connected returns the two ends of a TCP connection.
func connected(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func streamOf(c net.Conn) *Stream { return &Stream{In: c, Out: c, Closer: c} }

// An end that says that nothing more comes still gets the answer.
func TestHalfClose(t *testing.T) {
	client, first := connected(t)
	second, server := connected(t)
	var total Relay
	r := &Relay{Total: &total}
	result := joined(t.Context(), r, streamOf(first), streamOf(second))
	io.WriteString(client, "question")
	client.CloseWrite()
	if asked, err := io.ReadAll(server); string(asked) != "question" || err != nil {
		t.Errorf("the server got %q, %v", asked, err)
	}
	io.WriteString(server, "the answer")
	server.Close()
	if answer, err := io.ReadAll(client); string(answer) != "the answer" || err != nil {
		t.Errorf("the client got %q, %v", answer, err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	for _, counted := range []*Relay{r, &total} {
		if there, back := counted.Bytes[There].Load(), counted.Bytes[Back].Load(); there != 8 || back != 10 {
			t.Errorf("%d and %d bytes were counted", there, back)
		}
	}
}

// An end that fails ends the pair, and both are closed.
func TestEndThatFails(t *testing.T) {
	broken := errors.New("broken")
	first, second := newFake(), newFake()
	second.put = func(string) error { return broken }
	first.settled = make(chan error, 1)
	first.comes <- "lost"
	if err := <-joined(t.Context(), &Relay{}, first, second); !errors.Is(err, broken) {
		t.Errorf("Join: %v", err)
	}
	if lost := <-first.settled; !errors.Is(lost, broken) {
		t.Errorf("what was lost was settled with %v", lost)
	}
	<-first.closed
	<-second.closed
}

// An end that has closed leaves what it sent before, and is no reason to lose the rest.
func TestEndThatHasClosed(t *testing.T) {
	first, second := newFake(), newFake()
	got := make(chan string, 1)
	first.put = func(text string) error { got <- text; return nil }
	second.put = func(string) error { return os.ErrClosed }
	first.comes <- "too late"
	second.comes <- "farewell"
	close(second.comes)
	result := joined(t.Context(), &Relay{}, first, second)
	if text := <-got; text != "farewell" {
		t.Errorf("%q was passed on", text)
	}
	<-first.ended
	if err := <-result; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Join: %v", err)
	}
}

// What one end doesn't take is not read from the other.
func TestBackpressure(t *testing.T) {
	first, second := newFake(), newFake()
	putting, goOn := make(chan struct{}), make(chan struct{})
	second.put = func(string) error {
		putting <- struct{}{}
		<-goOn
		return nil
	}
	for range 10 {
		first.comes <- "x"
	}
	close(first.comes)
	close(second.comes)
	result := joined(t.Context(), &Relay{}, first, second)
	for n := 1; n <= 10; n++ {
		<-putting
		if asked := len(first.nexts); asked != n {
			t.Errorf("while piece %d is being put, %d were asked for", n, asked)
		}
		goOn <- struct{}{}
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// A pair ends with its context, whatever its ends wait for.
func TestCancel(t *testing.T) {
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	first, second := newFake(), newFake()
	putting := make(chan struct{})
	second.put = func(string) error {
		close(putting)
		<-second.closed
		return net.ErrClosed
	}
	first.comes <- "x"
	result := joined(ctx, &Relay{}, first, second)
	<-putting
	cancel(gaveUp)
	if err := <-result; err != gaveUp {
		t.Errorf("Join: %v", err)
	}
	<-first.closed
	<-second.closed
}

// An end that can't be told that nothing more comes may answer for a while.
func TestEndThatCannotBeTold(t *testing.T) {
	first, second := newFake(), newFake()
	second.cantTell = true
	answered := make(chan string, 1)
	first.put = func(text string) error { answered <- text; return nil }
	close(first.comes)
	start := time.Now()
	result := joined(t.Context(), &Relay{}, first, second)
	second.comes <- "answer"
	if text := <-answered; text != "answer" {
		t.Errorf("the answer is %q", text)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < grace/2 || took > time.Minute {
		t.Errorf("the pair ended after %v, want %v", took, grace)
	}
}

// An end that can't be told that nothing more comes is not closed while something comes from
// it.
func TestEndThatCannotBeToldAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake(), newFake()
		first.cantTell = true
		close(second.comes) // as a server does that only reads
		passed := 0
		second.put = func(string) error { passed++; return nil }
		result := joined(t.Context(), &Relay{}, first, second)
		const all = 10
		for range all {
			first.comes <- "piece"
			time.Sleep(grace / 2)
		}
		close(first.comes)
		if err := <-result; err != nil || passed != all {
			t.Errorf("%d of %d pieces were passed on, %v", passed, all, err)
		}
	})
}

// What such an end sent, and the other one had no time to take, is told.
func TestLossAtAnEndThatCannotBeTold(t *testing.T) {
	first, second := newFake(), newFake()
	first.cantTell = true
	close(second.comes)
	second.put = func(string) error {
		<-second.closed
		return net.ErrClosed
	}
	first.comes <- "lost"
	if err := <-joined(t.Context(), &Relay{}, first, second); err == nil {
		t.Error("the loss is not told")
	}
}

// What a Tap writes a Recording reads, and people search.
func TestTap(t *testing.T) {
	first, second := newFake(), newFake()
	first.comes <- "there\n\x00"
	second.comes <- "back"
	close(first.comes)
	close(second.comes)
	var file bytes.Buffer
	if err := <-joined(t.Context(), &Relay{Tap: NewTap(&file)}, first, second); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"connection":1,"direction":">","data":"dGhlcmUKAA=="}`, `"connection":1,"direction":"<","data":"YmFjaw=="}`} {
		if !strings.Contains(file.String(), part+"\n") {
			t.Errorf("the recording lacks %s:\n%s", part, &file)
		}
	}
	recording := NewRecording(&file)
	piece, err := recording.Next()
	if string(piece.Data) != "there\n\x00" || piece.Connection != 1 || time.Since(piece.Time) > time.Minute || err != nil {
		t.Errorf("%+v, %v", piece, err)
	}
	if _, err := recording.Next(); err != io.EOF {
		t.Errorf("after the last piece: %v", err)
	}
	cut := `{"direction":">","data":"eA=="}` + "\n" + `{"direction":">","da`
	recording = NewRecording(strings.NewReader(cut))
	if piece, err := recording.Next(); string(piece.Data) != "x" || err != nil {
		t.Errorf("before the cut: %+v, %v", piece, err)
	}
	if _, err := recording.Next(); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "line 2 of the recording is cut off") {
		t.Errorf("at the cut: %v", err)
	}
	if _, err := NewRecording(strings.NewReader("no JSON")).Next(); !errors.Is(err, errNoRecord) {
		t.Errorf("another file: %v", err)
	}
	for _, text := range []string{"no JSON", `{"direction":"up"}`, `{"direction":">","data":"%"}`, `{"time":1}`} {
		if _, err := NewRecording(strings.NewReader(text)).Next(); err == nil || err == io.EOF {
			t.Errorf("the recording %s: %v", text, err)
		}
	}
}

// failing is a file that can't be written.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrPermission }

// What can't be recorded is not passed on unrecorded.
func TestTapThatFails(t *testing.T) {
	first, second := newFake(), newFake()
	second.put = func(text string) error { t.Errorf("%q was passed on", text); return nil }
	first.comes <- "x"
	if err := <-joined(t.Context(), &Relay{Tap: NewTap(failing{})}, first, second); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Join: %v", err)
	}
}

// What is put behind messages that a stream takes.
func TestSeparator(t *testing.T) {
	var out bytes.Buffer
	s := &Stream{Out: &out, Separator: []byte("\n")}
	for _, message := range []string{"one", "", "two"} {
		if err := s.Put(t.Context(), []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "one\n\ntwo\n" {
		t.Errorf("%q", out.String())
	}
}
