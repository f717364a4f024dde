package object

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// directory is where Windows has the data of this user's programs, or of all
// users'.
func directory(scope breezeway.Scope) (string, error) {
	parent, err := os.UserCacheDir()
	if scope == breezeway.Machine {
		if parent = os.Getenv("ProgramData"); parent == "" {
			err = fmt.Errorf("the environment variable ProgramData is not set (%w)", fs.ErrNotExist)
		}
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, "breezeway")
	return dir, fail.Bare(os.MkdirAll(dir, 0o700))
}

const rights = windows.GENERIC_READ | windows.GENERIC_WRITE | windows.DELETE

// share admits other processes that do the same, or remove the file.
const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// create makes a file under another name, and renames it when it is complete. Until
// just before that the system removes it when this process is killed.
//
// The other name can't be guessed, and the file must be new: one that another user has
// put there would keep its owner and its access control list.
//
// What a process leaves that is killed in between, the next one removes.
func create(path string, size int64, a access.Rule, fill func(f *os.File) error) (*os.File, error) {
	security, err := a.SecurityAttributes("GRGWSD")
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	removeLeftOver(dir)
	h, err := createNew(filepath.Join(dir, newPrefix+rand.Text()), security)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(h), path)
	if err := complete(f, h, path, size, fill); err != nil {
		sys.DeleteWhenClosed(h, true) // as it is unless the rename failed
		f.Close()
		return nil, err
	}
	return f, nil
}

// newPrefix and random letters and digits are the name of a file that is being made.
const newPrefix = ".new."

// removeLeftOver removes the files that were being made in a directory by processes that
// were killed. A process that lives has the file open from the moment on in which it
// appears until it has another name, and so keeps it from being opened alone. What can't
// be removed is left for the next one.
func removeLeftOver(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if text, ok := strings.CutPrefix(e.Name(), newPrefix); !ok || len(text) != len(rand.Text()) {
			continue
		}
		const alone = 0
		h, err := createShared(filepath.Join(dir, e.Name()), windows.DELETE, alone, nil, windows.OPEN_EXISTING)
		if err != nil {
			continue
		}
		sys.DeleteWhenClosed(h, true)
		windows.CloseHandle(h)
	}
}

func createNew(path string, security *windows.SecurityAttributes) (windows.Handle, error) {
	return createFile(path, rights, security, windows.CREATE_NEW)
}

func complete(f *os.File, h windows.Handle, path string, size int64, fill func(f *os.File) error) error {
	if err := sys.DeleteWhenClosed(h, true); err != nil {
		return err
	}
	if err := sys.Reserve(f, size); err != nil {
		return err
	}
	if fill != nil {
		if err := fill(f); err != nil {
			return err
		}
	}
	killpoint.Here("object filled")
	if err := sys.DeleteWhenClosed(h, false); err != nil {
		return err
	}
	killpoint.Here("object kept")
	err := sys.RenameFile(h, path)
	killpoint.Here("object linked")
	return err
}

func open(path string, readOnly bool) (*os.File, error) {
	rights := uint32(windows.GENERIC_READ | windows.GENERIC_WRITE)
	if readOnly {
		rights = windows.GENERIC_READ
	}
	h, err := createFile(path, rights, nil, windows.OPEN_EXISTING)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

func createFile(path string, rights uint32, security *windows.SecurityAttributes, disposition uint32) (windows.Handle, error) {
	return createShared(path, rights, share, security, disposition)
}

func createShared(path string, rights, share uint32, security *windows.SecurityAttributes, disposition uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFile(p, rights, share, security, disposition, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	return h, os.NewSyscallError("CreateFile", err)
}

func explainDirectory(_ string, err error) error { return err }

func absent(path string) error { return &fail.AbsentError{Path: path} }

func explainOpen(path string, err error) error {
	if err = fail.Bare(err); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if info, statErr := os.Lstat(path); statErr == nil {
		if mismatch := checkRegular(info); mismatch != nil {
			return mismatch
		}
	}
	return fmt.Errorf("it is another user's and doesn't admit this one, or a process has it open and it is being removed (%w)", err)
}

// mayUse refuses a file of a user that the rule doesn't trust: the owner could do
// anything with it.
func mayUse(f *os.File, a access.Rule) error {
	owner, err := sys.OwnerOf(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT)
	if err != nil {
		return err
	}
	if err := a.Trusts(owner); err != nil {
		return fmt.Errorf("it belongs to %s: %w", owner.User(), err)
	}
	return nil
}

// owner returns the SID of a file's owner, or "" if it can't be learned.
func owner(path string, _ fs.FileInfo) string {
	h, err := createFile(path, windows.READ_CONTROL, nil, windows.OPEN_EXISTING)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	peer, err := sys.OwnerOf(h, windows.SE_FILE_OBJECT)
	if err != nil {
		return ""
	}
	return peer.User()
}

func isRemoved(*os.File) (bool, error) { return false, nil }
