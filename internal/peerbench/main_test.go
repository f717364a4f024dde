package peerbench

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/worker"
)

func TestMain(m *testing.M) {
	worker.Main()
	if isPlugin() {
		servePlugin()
		return
	}
	// The two descriptors that package pipe keeps for children are there before those of
	// the tests are counted.
	pool, err := worker.Start(context.Background(), &worker.Config{Workers: 1})
	if err == nil {
		err = pool.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ipctest.Main(m)
}
