package ipcbench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
)

// short makes rows as short as they can be: what is tested is that they work.
const short = time.Millisecond

// here returns the transports that can be tested.
func here(t testing.TB) (names []string) {
	for _, tr := range transports {
		switch {
		case tr.missing != "":
			t.Logf("%s is not tested: %s", tr.name, tr.missing)
		case tr.name == "unix" && ipctest.UnderWine():
			t.Log("unix is not tested: Wine lacks Unix sockets")
		default:
			names = append(names, tr.name)
		}
	}
	return names
}

// expectNothingLeft looks for what has this process's runs' names.
func expectNothingLeft(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "ipc-bench-*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	names, _ := mq.List(nil)
	posix, _ := mq.ListPOSIX()
	for _, q := range posix {
		names = append(names, q.Name)
	}
	for _, name := range names {
		if strings.HasPrefix(name, fmt.Sprintf("ipc-bench-%d-", os.Getpid())) {
			t.Errorf("the queue %s is left", name)
		}
	}
}

// expectRows checks the rows of sizes over the transports named.
func expectRows(t *testing.T, r *Report, names []string, sizes []int) {
	t.Helper()
	for _, name := range names {
		for _, mode := range []Mode{Spin, Park} {
			for _, size := range sizes {
				i := slices.IndexFunc(r.Rows, func(r Row) bool { return r.Transport == name && r.Mode == mode && r.Size == size })
				if why := find(name).without(mode, size); (why == "") != (i >= 0) {
					t.Errorf("%s, %d bytes, %s: row %d although: %q", name, size, mode, i, why)
				}
				if i < 0 {
					continue
				}
				row := r.Rows[i]
				if row.P50 <= 0 || row.P99 < row.P50 || row.P999 < row.P99 || row.Max < row.P999 || row.Messages <= 0 ||
					row.Bytes < 0.99*row.Messages*float64(size) || row.Bytes > 1.01*row.Messages*float64(size) {
					t.Errorf("%+v", row)
				}
			}
		}
	}
	if r.Limit <= 0 {
		t.Errorf("the limit is %v", r.Limit)
	}
}

// Messages of all sizes go over every transport.
func TestEveryTransport(t *testing.T) {
	sizes := []int{MinSize, 100, MaxSize}
	r, err := Run(t.Context(), Config{Only: here(t), Sizes: sizes, Time: short})
	if err != nil {
		t.Fatal(err)
	}
	expectRows(t, r, here(t), sizes)
	for _, a := range r.Absent {
		t.Logf("%s: %s", a.Transport, a.Why)
	}
	expectNothingLeft(t)
}

// oneProcessor runs every transport in processes that have GOMAXPROCS=1.
var oneProcessorRunner = ipctest.Helper("one processor", func(c *ipctest.Control) error {
	if runtime.GOMAXPROCS(0) != 1 {
		return errors.New("GOMAXPROCS is not 1")
	}
	names := strings.Split(c.Hear(), ",")
	r, err := Run(context.Background(), Config{Only: names, Sizes: []int{64}, Time: short})
	if err != nil {
		return err
	}
	for _, row := range r.Rows {
		c.Say("%s", row.Transport)
	}
	return nil
})

func TestWithOneProcessor(t *testing.T) {
	cmd := ipctest.HelperCommand(t, oneProcessorRunner)
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	p := ipctest.StartCommand(t, cmd)
	p.Say(strings.Join(here(t), ","))
	rows := map[string]int{}
	for {
		line, ok := p.TryHear()
		if !ok {
			break
		}
		rows[line]++
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.Stderr())
	}
	for _, name := range here(t) {
		if rows[name] == 0 {
			t.Errorf("no row of %s", name)
		}
	}
}

// When the peer is killed the row says so, whatever this process waits for, and nothing
// is left behind.
func TestPeerIsKilled(t *testing.T) {
	const size = 64
	for _, name := range here(t) {
		for _, mode := range []Mode{Spin, Park} {
			if find(name).without(mode, size) != "" {
				continue
			}
			for range 3 {
				cfg := Config{Only: []string{name}, Sizes: []int{size}, Time: time.Minute, modes: []Mode{mode}, ready: func(peer *os.Process) {
					time.AfterFunc(rand.N(30*time.Millisecond), func() { peer.Kill() }) // in any window, anywhere
				}}
				if r, err := Run(t.Context(), cfg); !errors.Is(err, errPeerEnded) || r == nil || len(r.Rows) != 0 {
					t.Errorf("%s, %s: %v", name, mode, err)
				}
				expectNothingLeft(t)
			}
		}
	}
}

// A run that is cancelled ends with the cause, and nothing is left behind.
func TestCancelled(t *testing.T) {
	enough := errors.New("enough")
	for _, name := range here(t) {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := Run(ctx, Config{Only: []string{name}, Sizes: []int{64}, Time: time.Minute, ready: func(*os.Process) { cancel(enough) }})
		if !errors.Is(err, enough) {
			t.Errorf("%s: %v", name, err)
		}
		expectNothingLeft(t)
	}
}

// runner runs one transport until it is killed; it says its directory's name.
var runner = ipctest.Helper("runner", func(c *ipctest.Control) error {
	name := c.Hear()
	_, err := Run(context.Background(), Config{Only: []string{name}, Sizes: []int{64}, Time: time.Minute, ready: func(peer *os.Process) {
		dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("ipc-bench-%d-*", os.Getpid())))
		c.Say("%s", strings.Join(dirs, " "))
	}})
	return err
})

// When the process that runs is killed, its peers end and remove what it has made.
func TestRunIsKilled(t *testing.T) {
	for _, name := range here(t) {
		p := ipctest.Start(t, runner)
		p.Say(name)
		dir := p.Hear()
		if _, err := os.Stat(filepath.Join(dir, lineFile)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p.Kill()
		removed := func() bool {
			_, err := os.Stat(dir)
			names, _ := mq.List(nil)
			posix, _ := mq.ListPOSIX()
			for _, q := range posix {
				names = append(names, q.Name)
			}
			return errors.Is(err, os.ErrNotExist) && !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, filepath.Base(dir)) })
		}
		for end := time.Now().Add(ipctest.Patience); !removed(); runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatalf("%s: %s is still there", name, dir)
			}
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []Config{{Sizes: []int{MinSize - 1}}, {Sizes: []int{MaxSize + 1}}} {
		if _, err := Run(t.Context(), cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
