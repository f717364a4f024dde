package ipcsync

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// An object takes as many bytes as the documentation of Place says, and no more.
func TestSizeInAPlace(t *testing.T) {
	for slots, size := range map[int]int64{0: Size, 1: 192, 4: 192, 5: 256, 504: Size} {
		f, err := os.Create(filepath.Join(t.TempDir(), "place"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := &Config{At: Place{File: f}, Slots: slots}
		if err := f.Truncate(size - 1); err != nil {
			t.Fatal(err)
		}
		_, err = CreateMutex("", cfg)
		ipctest.WantError(t, err, os.ErrInvalid, "make the file larger")
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		m, err := CreateMutex("", cfg)
		if err != nil {
			t.Fatalf("%d slots: %v", slots, err)
		}
		m.Close()
		f.Close()
	}
}
