package ipcsync

import (
	"io/fs"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestSemaphoreInPlace(t *testing.T) {
	at := newPlace(t, 1)
	at.Offset = 64
	_, err := OpenSemaphore("", &Config{At: at})
	ipctest.WantError(t, err, os.ErrNotExist)
	s, err := CreateSemaphore("", 2, &Config{At: at, Max: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = CreateSemaphore("", 2, &Config{At: at})
	ipctest.WantError(t, err, fs.ErrExist)
	again, err := OpenSemaphore("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Max() != 3 {
		t.Errorf("Max is %d, want 3", again.Max())
	}
}
