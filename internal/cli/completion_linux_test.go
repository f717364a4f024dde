package cli

import (
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/ring"
	"github.com/breezeway-ipc/breezeway/shm"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// The completion of every mechanism offers what ls shows.
func TestCompletionOffersWhatListShows(t *testing.T) {
	name := ipctest.UniqueName()
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	key := fmt.Sprintf("0x%08x", crc32.ChecksumIEEE([]byte(name))|1)
	leading := func() (interface{ Close() error }, error) {
		l, err := ipcsync.Lead(t.Context(), name, nil)
		if err != nil {
			return nil, err
		}
		return resigning{l.Resign}, nil
	}
	makers := map[string]func() (interface{ Close() error }, error){
		"pipe":    func() (interface{ Close() error }, error) { return pipe.Listen(name, nil) },
		"shmnet":  func() (interface{ Close() error }, error) { return shmnet.Listen(name, nil) },
		"fifo":    func() (interface{ Close() error }, error) { return nil, pipe.MakeFIFO(path, nil) },
		"shm":     func() (interface{ Close() error }, error) { return shm.Create(name, 5, nil) },
		"struct":  func() (interface{ Close() error }, error) { return shm.CreateStruct[uint64](name, nil) },
		"latest":  func() (interface{ Close() error }, error) { return shm.CreateLatest[uint64](name, nil) },
		"sem":     func() (interface{ Close() error }, error) { return ipcsync.CreateSemaphore(name, 1, nil) },
		"mutex":   func() (interface{ Close() error }, error) { return ipcsync.CreateMutex(name, nil) },
		"rwmutex": func() (interface{ Close() error }, error) { return ipcsync.CreateRWMutex(name, nil) },
		"event":   func() (interface{ Close() error }, error) { return ipcsync.CreateEvent(name, nil) },
		"barrier": func() (interface{ Close() error }, error) { return ipcsync.CreateBarrier(name, 2, nil) },
		"cond":    func() (interface{ Close() error }, error) { return ipcsync.CreateCond(name, nil) },
		"lead":    leading,

		"mq":       func() (interface{ Close() error }, error) { return mq.Create(name, nil) },
		"mq+posix": func() (interface{ Close() error }, error) { return mq.CreatePOSIX(name, nil) },
		"mq+sysv":  func() (interface{ Close() error }, error) { return mq.CreateSystemV(key, nil) },
		"ring":     func() (interface{ Close() error }, error) { return ring.CreateBytes(name, nil) },
	}
	for _, m := range mechanisms {
		if m.list == nil {
			continue
		}
		t.Run(m.scheme, func(t *testing.T) {
			make := makers[m.scheme]
			if make == nil {
				t.Fatalf("the test makes no %s", m.noun)
			}
			o, err := make()
			if err != nil {
				t.Fatal(err)
			}
			url, start := m.scheme+"://"+name, m.start()
			if m.byDirectory {
				url, start = m.scheme+"://"+path, m.scheme+"://"+dir
			}
			if m.scheme == "mq+sysv" {
				url = m.scheme + "://" + key
			}
			if m.remove != nil {
				t.Cleanup(func() { succeed(t, "", "rm", url) })
			}
			if o != nil {
				t.Cleanup(func() { o.Close() })
			}
			if out := succeed(t, "", "ls", start); !strings.Contains(out, url+" ") {
				t.Errorf("ls doesn't show %s:\n%s", url, out)
			}
			verbs := [][]string{{"stat"}, {"ls"}}
			if m.stream != nil || m.queue != nil {
				verbs = append(verbs, []string{"relay"}, []string{"relay", "stdio://"}, []string{"replay", "-"})
			}
			for _, words := range verbs {
				words = append(append([]string{"__complete"}, words...), url[:len(url)-1])
				if out := succeed(t, "", words...); !strings.Contains("\n"+out, "\n"+url+"\n") {
					t.Errorf("ipc %q isn't completed to %s: %s", words, url, out)
				}
			}
		})
	}
	if out := succeed(t, "", "__complete", "relay", "std"); !strings.Contains(out, "stdio://\n") {
		t.Errorf("stdio:// isn't completed: %s", out)
	}
	if out := succeed(t, "", "__complete", "stat", "fifo://"+dir[:len(dir)-1]); !strings.Contains(out, "fifo://"+dir+"/\n") {
		t.Errorf("the directory isn't completed: %s", out)
	}
}

// resigning closes a leadership.
type resigning struct{ resign func() error }

func (r resigning) Close() error { return r.resign() }
