package mq

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// sliceQueue is a queue within the test, whose leases can be counted.
type sliceQueue struct {
	Queue
	messages []Message
	acked    int
	nacked   int
}

func (q *sliceQueue) Send(_ context.Context, m Outgoing) error {
	q.messages = append(q.messages, Message{Body: m.Body, Priority: m.Priority, ID: m.ID})
	return nil
}

func (q *sliceQueue) Receive(ctx context.Context, _ []byte) (Message, error) {
	if len(q.messages) == 0 {
		return Message{}, ErrFull // any error
	}
	m := q.messages[0]
	q.messages = q.messages[1:]
	return m, nil
}

func (q *sliceQueue) Lease(ctx context.Context, buf []byte) (Delivery, error) {
	m, err := q.Receive(ctx, buf)
	return NewDelivery(m, q, Token{}), err
}

func (q *sliceQueue) All(ctx context.Context) iter.Seq2[Message, error] {
	return messagesOf(ctx, q, func(_ string, err error) error { return err })
}

func (q *sliceQueue) Ack(context.Context, Token) error                 { q.acked++; return nil }
func (q *sliceQueue) Nack(context.Context, Token, time.Duration) error { q.nacked++; return nil }
func (q *sliceQueue) Extend(context.Context, Token) error              { return nil }

type job struct {
	Name  string
	Steps []int
	Next  *job
}

type point struct {
	ID   uint16
	X    float64
	Flag [3]uint8
}

func mustTyped[T any](t testing.TB, q Queue, codec Codec[T]) *Typed[T] {
	t.Helper()
	typed, err := NewTyped(q, codec)
	if err != nil {
		t.Fatal(err)
	}
	return typed
}

func testRoundTrip[T any](t *testing.T, codec Codec[T], v T) {
	t.Helper()
	q := mustTyped(t, &sliceQueue{}, codec)
	if err := q.Send(t.Context(), v, Outgoing{Priority: 3, ID: "id"}); err != nil {
		t.Fatal(err)
	}
	m, err := q.Receive(t.Context())
	if err != nil || !reflect.DeepEqual(m.Value, v) || m.Priority != 3 || m.ID != "id" || len(m.Body) == 0 {
		t.Errorf("%T: %+v, %v; want %+v", codec, m, err, v)
	}
}

func TestTypedRoundTrip(t *testing.T) {
	j := job{"build", []int{1, 2}, &job{Name: "test"}}
	testRoundTrip(t, nil, j)
	testRoundTrip(t, JSON[job](), j)
	testRoundTrip(t, JSON[*job](), nil)
	testRoundTrip(t, Gob[job](), j)
	testRoundTrip(t, Gob[map[string]time.Time](), map[string]time.Time{"then": time.Unix(1, 2).UTC()})
	testRoundTrip(t, Raw[point](), point{7, -math.Pi, [3]uint8{1, 2, 3}})
	testRoundTrip(t, Raw[int64](), -5)
}

// mismatch sends a value and receives it as another type.
func mismatch[There, Here any](t *testing.T, there Codec[There], here Codec[Here]) {
	t.Helper()
	below := &sliceQueue{}
	var v There
	if err := mustTyped(t, below, there).Send(t.Context(), v, Outgoing{}); err != nil {
		t.Fatal(err)
	}
	body := below.messages[0].Body
	q := mustTyped(t, below, here)
	d, err := q.Lease(t.Context())
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	if !bytes.Equal(d.Body, body) || below.acked+below.nacked > 0 {
		t.Errorf("Lease has acknowledged, or lost, %q", body)
	}
	if err := d.Nack(t.Context(), 0); err != nil || below.nacked != 1 {
		t.Errorf("the delivery can't be given back: %v", err)
	}
	below.messages = []Message{{Body: body}, {Body: body}}
	m, err := q.Receive(t.Context())
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	if !bytes.Equal(m.Body, body) {
		t.Errorf("Receive has lost %q", body)
	}
	var errs []error
	for m, err := range q.All(t.Context()) { // goes on, and ends at the end
		if errs = append(errs, err); len(errs) == 1 && !bytes.Equal(m.Body, body) {
			t.Errorf("All has lost %q", body)
		}
	}
	if len(errs) != 2 || !errors.Is(errs[0], breezeway.ErrMismatch) || errs[1] != ErrFull {
		t.Errorf("All: %v", errs)
	}
}

func TestTypedOfAnotherType(t *testing.T) {
	type more struct {
		Name  string
		Extra int
	}
	type less struct{ Name string }
	type other struct{ Name int }
	type swapped struct {
		Extra int
		Name  string
	}
	mismatch(t, JSON[more](), JSON[less]())
	mismatch(t, JSON[less](), JSON[other]())
	mismatch(t, JSON[less](), JSON[[]string]())
	mismatch(t, Gob[more](), Gob[less]())
	mismatch(t, Gob[less](), Gob[more]())
	mismatch(t, Gob[less](), Gob[other]())
	mismatch(t, Gob[more](), Gob[swapped]())
	mismatch(t, Gob[int64](), Gob[int32]())
	mismatch(t, Gob[time.Time](), Gob[less]())
	mismatch(t, Raw[point](), Raw[int64]())
	mismatch(t, JSON[less](), Gob[less]())
	mismatch(t, Gob[less](), JSON[less]())
	mismatch(t, Raw[point](), JSON[less]())
}

// Types of the same form are the same, wherever they are declared.
func TestGobOfTheSameForm(t *testing.T) {
	if newGobMark[job]() == newGobMark[point]() {
		t.Error("other fields, and the same mark")
	}
	type one struct{ A, B int }
	type two struct {
		A int
		B int
	}
	if newGobMark[one]() != newGobMark[two]() || newGobMark[one]() != newGobMark[*two]() {
		t.Error("the same fields, and another mark")
	}
}

func TestTypedStrictJSON(t *testing.T) {
	q := &sliceQueue{}
	typed := mustTyped[job](t, q, nil)
	for _, body := range []string{"", "{", `{"Name":"x"} {}`, `{"Name":"x"}x`, `{"Other":1}`, `[]`, `"x"`, " null", "\x00\x01"} {
		q.messages = []Message{{Body: []byte(body)}}
		_, err := typed.Receive(t.Context())
		ipctest.WantError(t, err, breezeway.ErrMismatch)
	}
	q.messages = []Message{{Body: []byte(" {\"Name\": \"from Python\"}\n")}}
	if m, err := typed.Receive(t.Context()); err != nil || m.Value.Name != "from Python" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestTypedRefuses(t *testing.T) {
	_, err := NewTyped[job](nil, nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = NewTyped(&sliceQueue{}, Raw[job]())
	ipctest.WantError(t, err, os.ErrInvalid, "field Name")
	_, err = NewTyped(&sliceQueue{}, Raw[struct{ Ready bool }]())
	ipctest.WantError(t, err, os.ErrInvalid, "uint8")
	ipctest.WantError(t, mustTyped[job](t, &sliceQueue{}, nil).Send(t.Context(), job{}, Outgoing{Body: []byte("x")}), os.ErrInvalid, "Body")
	ipctest.WantError(t, mustTyped[float64](t, &sliceQueue{}, nil).Send(t.Context(), math.NaN(), Outgoing{}), os.ErrInvalid)
	if q := (&sliceQueue{}); mustTyped[job](t, q, nil).Queue() != Queue(q) {
		t.Error("Queue is another one")
	}
}

// What padding happens to hold in this process is not sent.
func TestRawSendsNoPadding(t *testing.T) {
	type inner struct {
		A uint8
		B uint16
	}
	type padded struct {
		A uint8
		B uint64
		C [2]inner
		D uint8
	}
	var v padded
	b := bytesOf(&v)
	for i := range b {
		b[i] = 0xff
	}
	image, err := Raw[padded]().Append(nil, v)
	const want = "f.......ffffffff" + "f.fff.ff" + "f......."
	got := strings.Map(func(r rune) rune {
		if r == 0 {
			return '.'
		}
		return 'f'
	}, string(latin1(image)))
	if err != nil || got != want {
		t.Errorf("%s, want %s; %v", got, want, err)
	}
}

// latin1 returns each byte as a rune.
func latin1(b []byte) (r []rune) {
	for _, c := range b {
		r = append(r, rune(c))
	}
	return r
}

// Bytes of other processes are an error or a value, never a crash.
func FuzzCodecs(f *testing.F) {
	for _, codec := range []Codec[job]{JSON[job](), Gob[job]()} {
		body, err := codec.Append(nil, job{"a", []int{1}, &job{}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add(make([]byte, 24))
	f.Fuzz(func(t *testing.T, body []byte) {
		q := &sliceQueue{messages: []Message{{Body: body}, {Body: body}, {Body: body}}}
		_, errJSON := mustTyped[job](t, q, nil).Receive(t.Context())
		_, errGob := mustTyped(t, q, Gob[job]()).Receive(t.Context())
		_, errRaw := mustTyped(t, q, Raw[point]()).Receive(t.Context())
		for _, err := range []error{errJSON, errGob, errRaw} {
			if err != nil && !errors.Is(err, breezeway.ErrMismatch) {
				t.Error(err)
			}
		}
	})
}
