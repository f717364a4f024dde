package shm

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestModel checks the protocol of Latest, as it is and with each of the things
// broken that its argument rests on.
func TestModel(t *testing.T) { ipctest.Model(t, "../docs/models/latest.pml") }
