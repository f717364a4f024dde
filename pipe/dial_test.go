package pipe

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestDialWithoutServer(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := Dial(context.Background(), name, nil) // hangs if it waits
	var e *breezeway.Error
	if !errors.As(err, &e) || e.Op != "dial" || e.Kind != "pipe" || e.Name != name {
		t.Errorf("got %#v, want an Error that says what failed", err)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
}

func TestDialPreCancelled(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	cause := errors.New("my cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if _, err := Dial(ctx, name, nil); !errors.Is(err, cause) {
		t.Errorf("Dial: %v", err)
	}
	if _, err := DialWait(ctx, name, nil); !errors.Is(err, cause) {
		t.Errorf("DialWait: %v", err)
	}
	if _, err := l.AcceptContext(ctx); !errors.Is(err, cause) {
		t.Errorf("AcceptContext: %v", err)
	}
}

func TestDialWaitDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, err := DialWait(ctx, ipctest.UniqueName(), nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	var e *breezeway.Error
	if !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("%v does not call itself a time-out", err)
	}
}

// The fastest of several rounds is judged, so that a busy machine doesn't fail
// what a wait without a wake-up would fail every time.
func TestDialWaitCancel(t *testing.T) {
	cause := errors.New("changed my mind")
	fastest := time.Hour
	for range 10 {
		ctx, cancel := context.WithCancelCause(context.Background())
		result := make(chan error)
		name := ipctest.UniqueName()
		go func() {
			_, err := DialWait(ctx, name, nil)
			result <- err
		}()
		// Long enough for the pauses to have grown to their longest.
		time.Sleep(120 * time.Millisecond)
		start := time.Now()
		cancel(cause)
		if err := <-result; !errors.Is(err, cause) {
			t.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	ipctest.WantWithin(t, fastest, 10*time.Millisecond)
}

// lateServer listens at Args[0] when told to, says since when, and stops.
var lateServer = ipctest.Helper("late server", func(c *ipctest.Control) error {
	for {
		name := c.Hear()
		l, err := Listen(name, nil)
		if err != nil {
			return err
		}
		c.Say("%d", time.Now().UnixNano())
		c.Hear()
		l.Close()
		c.Say("closed")
	}
})

func TestDialWaitMeetsServer(t *testing.T) {
	server := ipctest.Start(t, lateServer)
	var waits, lines []time.Duration // until the client met the server, and until a line came from it
	for range 7 {
		name := ipctest.UniqueName()
		met := make(chan time.Time)
		go func() {
			c, err := DialWait(context.Background(), name, nil)
			if err != nil {
				t.Error(err)
				close(met)
				return
			}
			met <- time.Now()
			c.Close()
		}()
		// Long enough for the pauses to have grown to 50 ms, so that meeting
		// within 10 ms shows the event at work.
		time.Sleep(120 * time.Millisecond)
		server.Say(name)
		since, err := strconv.ParseInt(server.Hear(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, time.Since(time.Unix(0, since)))
		waits = append(waits, (<-met).Sub(time.Unix(0, since)))
		server.Say("close")
		server.Expect("closed")
	}
	slices.Sort(waits)
	slices.Sort(lines)
	t.Logf("met after %v, lines came after %v", waits, lines)
	// A busy machine delays the lines as it delays the clients.
	if typical, line := waits[len(waits)/2], lines[len(lines)/2]; runtime.GOOS == "linux" && typical > line+10*time.Millisecond {
		ipctest.Late(t, "it took %v, and a line %v", typical, line)
	}
}
