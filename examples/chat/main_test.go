package main

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// programEnv makes a process of the test binary the program itself.
const programEnv = "CHAT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
		return
	}
	ipctest.Main(m)
}
