package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
)

// onlyEnv makes one of onlyDemos the only row, in this process and in those that it
// starts.
const onlyEnv = "IPC_TEST_DEMO"

// onlyDemos are demos that go wrong, or don't end.
var onlyDemos = map[string]demo{
	"liar": {
		mechanism: "liar",
		parental:  true,
		client: func(p *process) error {
			return p.talk(struct {
				io.Reader
				io.Writer
			}{strings.NewReader("good-bye\n"), io.Discard})
		},
	},
	"deserter": {
		mechanism: "deserter",
		remove:    sharedMemory.remove,
		server:    sharedMemory.server,
		client: func(p *process) error {
			seg, err := shm.Open(p.name(), nil)
			if err != nil {
				return err
			}
			defer seg.Close()
			return errors.New("deserted")
		},
	},
	"holder": {
		mechanism: "holder",
		remove:    sharedMemory.remove,
		server:    sharedMemory.server,
		client: func(p *process) error {
			if _, err := shm.Open(p.name(), nil); err != nil {
				return err
			}
			p.say("opens it")
			select {}
		},
	},
	"sleeper": {
		mechanism: "sleeper",
		server: func(p *process) error {
			l, err := pipe.Listen(p.name(), nil)
			if err != nil {
				return err
			}
			p.say("%s", l.Addr())
			p.ready()
			for {
				if _, err := l.Accept(); err != nil {
					return err
				}
			}
		},
		client: func(p *process) error {
			p.say("%d", os.Getpid())
			select {}
		},
	},
}

// runner runs the demos in a process of its own, and says each event.
var runner = ipctest.Helper("runner", func(c *ipctest.Control) error {
	_, err := Run(context.Background(), func(e Event) {
		text, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		c.Say("%s", text)
	})
	return err
})

func TestMain(m *testing.M) {
	if only, ok := onlyDemos[os.Getenv(onlyEnv)]; ok {
		demos = []demo{only}
	}
	if len(os.Args) > 1 && os.Args[1] == Verb {
		if err := Play(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The race detector would hold every process back for a second at its end.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	ipctest.Main(m)
}

// only makes this process run one demo, and those that it starts.
func only(t *testing.T, d demo) {
	t.Helper()
	t.Setenv(onlyEnv, d.mechanism)
	before := demos
	demos = []demo{d}
	t.Cleanup(func() { demos = before })
}
