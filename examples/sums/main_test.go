package main

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/worker"
)

// programEnv makes a process of the test binary the program itself.
const programEnv = "SUMS_TEST_PROGRAM"

func TestMain(m *testing.M) {
	worker.Main()
	if os.Getenv(programEnv) != "" {
		main()
		return
	}
	ipctest.Main(m)
}
