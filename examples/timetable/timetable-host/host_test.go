package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestMain makes the test binary a program that can become a store.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == store.Command {
		os.Exit(store.Main(os.Args[2:]))
	}
	ipctest.Main(m)
}

func frame(message string) string {
	return string(binary.NativeEndian.AppendUint32(nil, uint32(len(message)))) + message
}

func TestFrames(t *testing.T) {
	in := strings.NewReader(frame(`{"id":1}`) + frame("") + frame(strings.Repeat("a", mostIn)) + frame(strings.Repeat("b", mostIn+1)) + frame("c") + "\x05\x00\x00\x00ab")
	for _, want := range []struct {
		size int
		err  error
	}{{8, nil}, {0, nil}, {mostIn, nil}, {0, errTooLarge}, {1, nil}, {5, io.ErrUnexpectedEOF}, {0, io.EOF}} {
		message, err := readMessage(in)
		if !errors.Is(err, want.err) || err == nil && len(message) != want.size {
			t.Errorf("%d bytes, %v, want %d, %v", len(message), err, want.size, want.err)
		}
	}
	for _, cut := range []string{"\x01\x00", "\x01\x00\x00\x00", frame(strings.Repeat("b", mostIn+1))[:mostIn]} {
		if _, err := readMessage(strings.NewReader(cut)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%.4q: %v, want %v", cut, err, io.ErrUnexpectedEOF)
		}
	}
	if _, err := readMessage(strings.NewReader("\xff\xff\xff\xff")); err == nil {
		t.Error("4 GiB are waited for")
	}
	var out bytes.Buffer
	if err := writeMessage(&out, strings.Repeat("a", mostOut)); !errors.Is(err, errAnswerTooLarge) || out.Len() > 0 {
		t.Errorf("%v, and %d bytes were written", err, out.Len())
	}
	if err := writeMessage(&out, strings.Repeat("a", mostOut-2)); err != nil || out.Len() != mostOut+4 {
		t.Errorf("%v, and %d bytes were written", err, out.Len())
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte(frame("{}")))
	f.Add([]byte("\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for r := bytes.NewReader(in); ; {
			message, err := readMessage(r)
			if len(message) > mostIn {
				t.Fatalf("a message of %d bytes", len(message))
			}
			if err != nil && !errors.Is(err, errTooLarge) {
				return
			}
		}
	})
}

// browser is the other side of a host.
type browser struct {
	t   *testing.T
	out io.WriteCloser
	in  io.Reader
}

// start starts a host of a new file. Its end is checked when the test ends.
func start(t *testing.T) *browser {
	t.Helper()
	keeper, err := store.Keep(filepath.Join(t.TempDir(), "timetable.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	fromBrowser, out := io.Pipe()
	in, toBrowser := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- newHost(keeper, toBrowser).serve(context.Background(), fromBrowser) }()
	t.Cleanup(func() {
		out.Close()
		go io.Copy(io.Discard, in)
		if err := <-served; err != nil {
			t.Error(err)
		}
		toBrowser.Close()
		keeper.Close()
	})
	return &browser{t, out, in}
}

func (b *browser) say(message string) {
	b.t.Helper()
	if _, err := io.WriteString(b.out, frame(message)); err != nil {
		b.t.Fatal(err)
	}
}

// hear returns the first message that is as wanted.
func (b *browser) hear(wanted func(answer) bool) answer {
	b.t.Helper()
	for {
		var size [4]byte
		if _, err := io.ReadFull(b.in, size[:]); err != nil {
			b.t.Fatal(err)
		}
		message := make([]byte, binary.NativeEndian.Uint32(size[:]))
		if _, err := io.ReadFull(b.in, message); err != nil {
			b.t.Fatal(err)
		}
		var a answer
		if err := json.Unmarshal(message, &a); err != nil {
			b.t.Fatalf("%s: %v", message, err)
		}
		if wanted(a) {
			return a
		}
	}
}

func (b *browser) ask(id json.Number, message string) answer {
	b.t.Helper()
	b.say(message)
	return b.hear(func(a answer) bool { return a.State == nil && a.ID == id })
}

const maths = `{"id":"a","name":"Maths","start":"2026-11-23T09:00","end":"2026-11-23T10:00","zone":"Europe/Berlin"}`

func TestHostAnswers(t *testing.T) {
	b := start(t)
	if a := b.ask("1", `{"id":1,"do":"put","event":`+maths+`}`); a.Event == nil || a.Event.Starts.Hour() != 8 {
		t.Errorf("%+v", a)
	}
	if a := b.ask("2", `{"id":2,"do":"put","event":{"id":"b"}}`); a.Problems["name"] == "" || a.Event != nil {
		t.Errorf("%+v, want a word at the name", a)
	}
	if a := b.ask("3", `{"id":3,"do":"between","from":"2026-11-23T00:00:00Z","to":"2026-11-24T00:00:00Z"}`); a.Page == nil || len(a.Page.Events) != 1 {
		t.Errorf("%+v, want one event", a)
	}
	b.ask("4", `{"id":4,"do":"delete","event":{"id":"a"}}`)
	if a := b.ask("5", `{"id":5,"do":"between","from":"2026-11-23T00:00:00Z","to":"2026-11-24T00:00:00Z"}`); a.Page == nil || len(a.Page.Events) != 0 {
		t.Errorf("%+v, want no event", a)
	}
	for _, bad := range []string{`{"id":6,"do":"format the disk"}`, `{"id":6,"do":"between","from":"now"}`, `[]`, ``, strings.Repeat("a", mostIn+1)} {
		b.say(bad)
		b.hear(func(a answer) bool { return a.Error != "" })
	}
}

func TestHostGoesOnWhenTheStoreIsKilled(t *testing.T) {
	b := start(t)
	running := func(a answer) bool { return a.State != nil && a.State.Phase == store.Running }
	first := b.hear(running).State
	process, err := os.FindProcess(first.PID)
	if err == nil {
		err = process.Kill()
		process.Release()
	}
	if err != nil {
		t.Fatal(err)
	}
	b.say(`{"id":1,"do":"put","event":` + maths + `}`)
	b.hear(func(a answer) bool { return a.Event != nil })
	if a := b.ask("2", `{"id":2,"do":"between","from":"2026-11-23T00:00:00Z","to":"2026-11-24T00:00:00Z"}`); a.Page == nil || len(a.Page.Events) != 1 {
		t.Errorf("%+v, want the event", a)
	}
}
