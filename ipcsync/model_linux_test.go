package ipcsync

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMutexModel(t *testing.T) { ipctest.Model(t, "../docs/models/mutex.pml") }

func TestSemaphoreModel(t *testing.T) { ipctest.Model(t, "../docs/models/semaphore.pml") }
