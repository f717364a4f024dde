package worker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// stormyParent uses its pool in every way, kills its workers, and is killed.
var stormyParent = ipctest.Helper("stormyParent", func(c *ipctest.Control) error {
	ctx := context.Background()
	pool, err := Start(ctx, &Config{Workers: 3, Retry: 1, Stderr: io.Discard})
	if err != nil {
		return err
	}
	buffer, err := pool.Buffer(1 << 20)
	if err != nil {
		return err
	}
	// Calls fail here, with Crashes.
	for _, use := range []func(){
		func() { _, _ = double.Call(ctx, pool, 1) },
		func() {
			for range square.Map(ctx, pool, upTo(100_000)) {
			}
		},
		func() { _, _ = count.Call(ctx, pool.Key("key"), 1) },
		func() { _, _ = invert.Call(ctx, pool, labelled{Pixels: buffer}) },
		func() {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_, _ = die.Call(ctx, pool, "wait")
		},
	} {
		go func() {
			for {
				use()
			}
		}()
	}
	c.Say("ready")
	for {
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // deaths at moments of their own
		if all := pool.processes(); len(all) > 0 {
			all[rand.IntN(len(all))].cmd.Process.Kill()
		}
	}
})

// A parent that is killed at any moment, while workers die and are started, takes all of
// them with it within a second. What else it leaves behind ipctest.Main would find.
func TestParentKilledAtAnyMoment(t *testing.T) {
	rounds, slowest := ipctest.Count(1_000), time.Duration(0)
	for round := range rounds {
		p := ipctest.Start(t, stormyParent)
		p.Expect("ready")
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // the moment
		p.Kill()
		killed := time.Now()
		for {
			left := workersOf(t, p.Process.Pid)
			if len(left) == 0 {
				break
			}
			if time.Since(killed) > ipctest.Patience {
				t.Fatalf("round %d: the workers %v outlive their parent %d", round, left, p.Process.Pid)
			}
			time.Sleep(time.Millisecond) // processes that end are no event for one that is not their parent
		}
		slowest = max(slowest, time.Since(killed))
	}
	t.Logf("%d parents were killed; the last worker was gone after at most %v", rounds, slowest)
	ipctest.WantWithin(t, slowest, time.Second)
}

// workersOf returns the processes that say in their environment that they are workers of
// a parent.
func workersOf(t *testing.T, parent int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	mark := fmt.Appendf(nil, "%q:%d,", "Parent", parent)
	for _, file := range files {
		env, err := os.ReadFile(file) // or it has ended, or is not ours
		if err != nil || !bytes.Contains(env, []byte(specVariable+"=")) || !bytes.Contains(env, mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
