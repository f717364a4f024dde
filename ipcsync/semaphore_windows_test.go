package ipcsync

import (
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

func TestSemaphoreScopes(t *testing.T) {
	session := newTestSemaphore(t, 1, nil)
	machine, err := CreateSemaphore(session.Name(), 2, &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, machine)
	wantPermits(t, session, 1)
	wantPermits(t, sameSemaphore(t, session.Name(), &Config{Scope: breezeway.Machine}), 2)
}
