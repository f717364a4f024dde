package worker

import (
	"bytes"
	"runtime"
	"testing"
	"time"
)

// knot is a type that contains itself in each way.
type knot struct {
	Next  *knot
	Kids  []knot
	Named map[string]knot
	Pair  [2]*knot
	Err   error
	At    event
	Flag  bool
	Big   []uint64
}

// FuzzDecode decodes any bytes as values: no panic, and memory in proportion. What is a
// value is the same one after another turn.
func FuzzDecode(f *testing.F) {
	c, err := newCodec[knot]()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range []knot{
		{},
		{Next: &knot{Flag: true}, Kids: []knot{{}, {Big: []uint64{1}}}, Named: map[string]knot{"": {}, "x": {Err: errUnlucky}}, At: event{time.Unix(1, 0).UTC(), "n"}},
	} {
		b, err := c.append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := c.decode(b)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(1<<20+1000*len(b)) {
			t.Errorf("%d bytes took %d", len(b), n)
		}
		if err != nil {
			return
		}
		again, err := c.append(nil, v)
		if err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		if _, err := c.decode(again); err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
	})
}

// FuzzFrames reads frames from any bytes.
func FuzzFrames(f *testing.F) {
	frame, _ := finishFrame(append(make([]byte, headerSize), "body"...), 0, statusDone, 1)
	f.Add(frame)
	f.Add([]byte{0xff, 0xff, 0xff, 0x3f, 1, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := frames{r: bytes.NewReader(b)}
		_, body, err := in.next()
		if err == nil && len(body)+headerSize > len(b) {
			t.Errorf("%d bytes of %d", len(body), len(b))
		}
		if cap(in.buf) > 2*smallFrame+4*len(b) {
			t.Errorf("%d bytes took %d", len(b), cap(in.buf))
		}
		in.shrink()
	})
}

// FuzzAnswer takes any bytes as a worker's answer to a call, and to a batch.
func FuzzAnswer(f *testing.F) {
	f.Add(uint16(statusDone), []byte{1, 0, 0, 0})
	f.Add(uint16(statusFailed), appendError(nil, errUnlucky))
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		p := &process{pid: 1}
		upper.result(p, status, body)
		double.result(p, status, body)
		for n := range 3 {
			upper.results(&batch[string, string]{ins: make([]string, n)}, p, status, body)
			square.results(&batch[int, int]{ins: make([]int, n)}, p, status, body)
		}
	})
}
