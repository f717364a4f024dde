package pipe

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestListenerStats(t *testing.T) {
	l := mustListen(t, ipctest.UniqueName(), nil)
	want := func(accepted, open int64) {
		t.Helper()
		if got := l.Stats(); got != (ListenerStats{Accepted: accepted, Open: open}) {
			t.Errorf("%+v, want %d accepted and %d open", got, accepted, open)
		}
	}
	want(0, 0)
	mustDial(t, l.name, nil)
	first := mustAccept(t, l)
	want(1, 1)
	mustDial(t, l.name, nil)
	second := mustAccept(t, l)
	want(2, 2)
	first.Close()
	first.Close()
	want(2, 1)
	l.Close()
	want(2, 1)
	second.Close()
	want(2, 0)
}
