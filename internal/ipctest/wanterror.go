package ipctest

import (
	"errors"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

// WantError fails the test unless err is a [breezeway.Error] that wraps target and
// says all of texts.
func WantError(t testing.TB, err, target error, texts ...string) {
	t.Helper()
	var ours *breezeway.Error
	if !errors.Is(err, target) || !errors.As(err, &ours) {
		t.Errorf("error is %v (%T), want a *breezeway.Error that wraps %v", err, err, target)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q doesn't say %q", err, text)
		}
	}
}
