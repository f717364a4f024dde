package ipcsync

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// placedTaker takes as many permits as it hears of from the semaphore at byte 64
// of the file Args[0].
var placedTaker = ipctest.Helper("placed taker", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := mmap.Map(f, nil)
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := OpenSemaphore("", &Config{At: Place{f, 64}})
	if err != nil {
		return err
	}
	defer s.Close()
	for c.Say("ready"); c.Hear() == "take"; c.Say("taken") {
		if err := s.Acquire(context.Background()); err != nil {
			return err
		}
	}
	return nil
})

func TestSemaphoreInPlace(t *testing.T) {
	at := newPlace(t, 1)
	at.Offset = 64
	_, err := OpenSemaphore("", &Config{At: at})
	wantError(t, err, breezeway.ErrMismatch)
	s, err := CreateSemaphore("", 2, &Config{At: at, Max: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = CreateSemaphore("", 2, &Config{At: at})
	wantError(t, err, fs.ErrExist)
	p := ipctest.Start(t, placedTaker, at.File.Name())
	p.Expect("ready")
	for range 2 {
		p.Say("take")
		p.Expect("taken")
	}
	wantPermits(t, s, 0)
	p.Say("take")
	if n, err := s.Release(1); n != 0 || err != nil {
		t.Error(n, err)
	}
	p.Expect("taken")
	_, err = s.Release(4)
	wantError(t, err, breezeway.ErrTooLarge)
	p.Say("end")
	p.Wait()
}
