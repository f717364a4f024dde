package main

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// asProgram is the environment variable that makes the test binary the command itself.
const asProgram = "TIMETABLE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	ipctest.Main(m)
}
