package ipcsync

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMutexModel(t *testing.T)     { testModel(t, "mutex") }
func TestSemaphoreModel(t *testing.T) { testModel(t, "semaphore") }
func TestRWMutexModel(t *testing.T)   { testModel(t, "rwmutex") }

func testModel(t *testing.T, name string) {
	t.Parallel() // each keeps one processor busy for a while
	ipctest.Model(t, "../docs/models/"+name+".pml")
}
