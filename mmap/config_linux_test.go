package mmap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// blocks returns how much storage a file has, in bytes.
func blocks(f *os.File) (int64, error) {
	var stat unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &stat)
	return stat.Blocks * 512, err
}

// fileOf makes a file in a directory that has so many bytes and no storage.
func fileOf(dir string, size int64) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "file"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return f, f.Truncate(size)
}

// wantUntouched returns an error unless f has so many bytes and no storage.
func wantUntouched(f *os.File, size int64) error {
	has, err := blocks(f)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || info.Size() != size || has != 0 {
		return fmt.Errorf("the file has %d bytes, storage for %d, %v", info.Size(), has, err)
	}
	return nil
}

// wantNoMap returns an error unless Map fails as said.
func wantNoMap(f *os.File, cfg *Config, want error) error {
	m, err := Map(f, cfg)
	if err == nil {
		return errors.Join(m.Close(), fmt.Errorf("%+v was mapped", cfg))
	}
	if !errors.Is(err, want) {
		return fmt.Errorf("%+v: %w, want %v", cfg, err, want)
	}
	return nil
}

// bounded grows a file in the directory Args[0] beyond what this process may write.
var bounded = ipctest.Helper("bounded", func(c *ipctest.Control) error {
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	f, err := fileOf(c.Args[0], 5000)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := wantNoMap(f, &Config{Capacity: 2 << 20}, unix.EFBIG); err != nil {
		return err
	}
	return wantUntouched(f, 5000)
})

func TestCapacityBeyondTheLimitOfTheProcess(t *testing.T) {
	if err := ipctest.Start(t, bounded, t.TempDir()).Wait(); err != nil {
		t.Error(err)
	}
}

// onSmallDisk are cases on a tmpfs of 4 MiB, by the options that it is mounted with.
var onSmallDisk = map[string]struct {
	options string
	run     func(dir string) error
}{
	"Capacity beyond the disk": {"", func(dir string) error {
		f, err := fileOf(dir, 5000)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(wantNoMap(f, &Config{Capacity: 5 << 20}, unix.ENOSPC), wantUntouched(f, 5000))
	}},
	"Capacity of a file with holes beyond the disk": {"", func(dir string) error {
		f, err := fileOf(dir, 5<<20)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(
			wantNoMap(f, &Config{Capacity: 5 << 20}, unix.ENOSPC), wantUntouched(f, 5<<20),
			wantNoMap(f, &Config{Capacity: 5<<20 + 1}, unix.ENOSPC), wantUntouched(f, 5<<20))
	}},
	"Capacity of a file with holes": {"", func(dir string) error {
		f, err := fileOf(dir, 2<<20)
		if err != nil {
			return err
		}
		defer f.Close()
		m, err := Map(f, &Config{Capacity: 2 << 20})
		if err != nil {
			return err
		}
		has, err := blocks(f)
		if has < 2<<20 {
			err = fmt.Errorf("storage for %d bytes was reserved", has)
		}
		return errors.Join(err, m.Close())
	}},
	"Populate on a full disk": {"", func(dir string) error {
		for _, c := range []Config{
			{Populate: true}, {Populate: true, CopyOnWrite: true}, {Populate: true, ReadOnly: true}, {Populate: true, Offset: 4095},
		} {
			f, err := fileOf(dir, 5<<20)
			if err != nil {
				return err
			}
			err = errors.Join(wantNoMap(f, &c, io.ErrUnexpectedEOF), f.Close(), os.Remove(f.Name()))
			if err != nil {
				return err
			}
		}
		return nil
	}},
	"HugePages": {"huge=advise", func(dir string) error {
		f, err := fileOf(dir, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := wantNoMap(f, &Config{Capacity: 1 << 20, HugePages: true}, errors.ErrUnsupported); err != nil {
			return err // less than one
		}
		m, err := Map(f, &Config{Capacity: 4 << 20, HugePages: true, Populate: true})
		if err != nil {
			return err
		}
		defer m.Close()
		if huge, err := smapsLine(m, "ShmemPmdMapped"); err != nil || strings.HasPrefix(strings.TrimSpace(huge), "0 ") {
			return fmt.Errorf("%s are in huge pages, %v", huge, err)
		}
		return nil
	}},
	"HugePages that aren't": {"huge=never", func(dir string) error {
		f, err := fileOf(dir, 4<<20)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(wantNoMap(f, &Config{HugePages: true}, errors.ErrUnsupported), wantUntouched(f, 4<<20))
	}},
}

var smallDisk = ipctest.Helper("small disk", func(c *ipctest.Control) error {
	k := onSmallDisk[c.Args[1]]
	if err := unix.Mount("none", c.Args[0], "tmpfs", 0, strings.TrimRight("size=4m,"+k.options, ",")); err != nil {
		return err
	}
	return k.run(c.Args[0])
})

func TestOnSmallDisk(t *testing.T) {
	for name, k := range onSmallDisk {
		t.Run(name, func(t *testing.T) {
			cmd := ipctest.HelperCommand(t, smallDisk, t.TempDir(), name)
			if os.Geteuid() != 0 {
				t.Skip("mounting a small disk takes the superuser")
			}
			if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/shmem_enabled"); err != nil && k.options != "" {
				t.Skip("this kernel doesn't know the option ", k.options, ": ", err)
			}
			// In a name space of its own, so that nothing stays mounted.
			cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			if err := ipctest.StartCommand(t, cmd).Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHugePagesWithoutAName(t *testing.T) {
	f, err := sparse(4<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	policy, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
	m, mapErr := Map(f, &Config{HugePages: true})
	if mapErr == nil {
		m.Close()
	}
	if refused := err != nil || strings.Contains(string(policy), "[never]") || strings.Contains(string(policy), "[deny]"); refused {
		ipctest.WantError(t, mapErr, errors.ErrUnsupported, "shmem_enabled")
	} else if mapErr != nil {
		t.Error(mapErr)
	}
}
