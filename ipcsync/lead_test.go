package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

// throne is where leaders find out that they are two.
type throne struct {
	term  atomic.Uint64
	ruler atomic.Int64
}

// sit is called by a process when it leads, and stay from then on.
func (th *throne) sit(l *Leader) error {
	if before := th.term.Swap(l.Term()); before >= l.Term() {
		return fmt.Errorf("term %d follows %d", l.Term(), before)
	}
	th.ruler.Store(int64(os.Getpid()))
	return nil
}

func (th *throne) stay() error {
	if pid := th.ruler.Load(); pid != int64(os.Getpid()) {
		return fmt.Errorf("process %d leads too", pid)
	}
	return nil
}

// candidate leads under the name Args[0] whenever it can, sits on the throne in
// the segment Args[1] then, and resigns when it hears of it.
var candidate = ipctest.Helper("candidate", func(c *ipctest.Control) error {
	th, closeShared, err := openShared[throne](c.Args[1])
	if err != nil {
		return err
	}
	defer closeShared()
	for {
		l, err := Lead(context.Background(), c.Args[0], nil)
		if err != nil {
			return err
		}
		if err := th.sit(l); err != nil {
			return err
		}
		c.Say("leading after a death: %v", l.Recovered())
		heard := make(chan string)
		go func() { heard <- c.Hear() }()
		for resigning := false; !resigning; {
			select {
			case <-heard:
				resigning = true
			default:
				time.Sleep(100 * time.Microsecond)
			}
			if err := th.stay(); err != nil {
				return err
			}
		}
		if err := l.Resign(); err != nil {
			return err
		}
	}
})

func TestLead(t *testing.T) {
	name := ipctest.UniqueName()
	defer removeIfThere(t, KindLeader, name)
	seg, err := shm.Create(ipctest.UniqueName(), 64, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer shm.Remove(shm.KindSegment, seg.Name(), nil)
	defer seg.Close()
	type word struct {
		from *ipctest.Process
		line string
	}
	words := make(chan word, 100)
	start := func() {
		p := ipctest.Start(t, candidate, name, seg.Name())
		go func() {
			for {
				line, ok := p.TryHear()
				if !ok {
					return
				}
				words <- word{p, line}
			}
		}()
	}
	for range 3 {
		start()
	}
	want := false
	const rounds = 20
	for round := range rounds + 1 {
		var w word
		select {
		case w = <-words:
		case <-time.After(ipctest.Patience):
			t.Fatal("no process leads")
		}
		if w.line != fmt.Sprintf("leading after a death: %v", want) {
			t.Fatalf("round %d: %q", round, w.line)
		}
		switch want = round%3 != 2; {
		case round == rounds:
		case want:
			w.from.Kill()
			start()
		default:
			w.from.Say("resign")
		}
	}
	select { // the leader is the only one
	case w := <-words:
		t.Errorf("another one says %q; %s", w.line, w.from.Stderr())
	case <-time.After(200 * time.Millisecond):
	}
}

func TestLeadInTurn(t *testing.T) {
	name := ipctest.UniqueName()
	defer removeIfThere(t, KindLeader, name)
	first, err := Lead(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Term() != 1 || first.Recovered() || first.Name() != name {
		t.Errorf("%d, %v, %q", first.Term(), first.Recovered(), first.Name())
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
	_, err = Lead(ctx, name, nil)
	ipctest.WantError(t, err, cause, "lead lead")
	next := make(chan *Leader)
	go func() {
		l, err := Lead(context.Background(), name, nil)
		if err != nil {
			t.Error(err)
		}
		next <- l
	}()
	select {
	case <-next:
		t.Error("two lead")
	case <-time.After(10 * time.Millisecond):
	}
	for range 2 {
		if err := first.Resign(); err != nil {
			t.Error(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	second := <-next
	if second.Term() != 2 || second.Recovered() {
		t.Errorf("%d, %v", second.Term(), second.Recovered())
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	_, err = Lead(t.Context(), "a/b", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "'/'")
}
