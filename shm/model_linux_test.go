package shm

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestModel checks the protocols of Latest, as they are and with each of the things
// broken that their arguments rest on.
func TestModel(t *testing.T) {
	ipctest.Model(t, "../docs/models/latest.pml")
	ipctest.Model(t, "../docs/models/latestwait.pml")
}
