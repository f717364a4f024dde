package worker

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// bareVariable has this program end at once, as the least that a process can do.
const bareVariable = "WORKER_TEST_BARE"

// lateVariable has this program end when nothing waits any more for what it may write.
const lateVariable = "WORKER_TEST_LATE"

// silentVariable has workers that are started never greet.
const silentVariable = "WORKER_TEST_SILENT"

func TestMain(m *testing.M) {
	if os.Getenv(lateVariable) != "" {
		time.Sleep(3 * tailPatience)
		os.Exit(0)
	}
	if os.Getenv(bareVariable) != "" {
		os.Exit(0)
	}
	if _, ok := os.LookupEnv(specVariable); ok && os.Getenv(silentVariable) != "" {
		time.Sleep(ipctest.Patience) // or until it is killed
	}
	// Under -race every exit takes a second otherwise.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	if how := os.Getenv(hostileVariable); how != "" {
		beHostile(how)
	}
	Main()
	if err := warmUp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ipctest.Main(m)
}

// warmUp starts a worker, so that the two descriptors that package pipe keeps for ever are
// there before those of the tests are counted.
func warmUp() error {
	pool, err := Start(context.Background(), &Config{Workers: 1})
	if err != nil {
		return err
	}
	return pool.Close()
}
