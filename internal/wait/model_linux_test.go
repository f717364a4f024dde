package wait

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestModel(t *testing.T) { ipctest.Model(t, "../../docs/models/parkwake.pml") }
