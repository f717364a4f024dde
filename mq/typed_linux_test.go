package mq

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// The struct of testdata/raw.c.
type sample struct {
	Sensor  uint16
	Celsius float64
	Flags   [3]uint8
}

func TestRawWithC(t *testing.T) {
	peer := ipctest.C(t, "testdata/raw.c")
	q := newTestPOSIX(t, nil)
	samples := mustTyped(t, q, Raw[sample]())
	if err := samples.Send(t.Context(), sample{60000, 18.25, [3]uint8{2: 200}}, Outgoing{}); err != nil {
		t.Fatal(err)
	}
	p := ipctest.StartCommand(t, peer("/"+q.Name()))
	p.Expect("60000 18.25 200")
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	m, err := samples.Receive(t.Context())
	if want := (sample{60000, 36.5, [3]uint8{2: 200}}); err != nil || m.Value != want {
		t.Errorf("%+v, %v; want %+v", m.Value, err, want)
	}
}
