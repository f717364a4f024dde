package endpoint_test

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) {
	if program := stdioPrograms[os.Getenv(stdioEnv)]; program != nil {
		if err := program(); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	ipctest.Main(m)
}
