package ipcsync

import (
	"errors"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func wantError(t testing.TB, err error, sentinel error, words ...string) {
	t.Helper()
	var ours *breezeway.Error
	if !errors.Is(err, sentinel) || !errors.As(err, &ours) {
		t.Errorf("error is %v (%T), want a *breezeway.Error that wraps %v", err, err, sentinel)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q doesn't say %q", err, w)
		}
	}
}
