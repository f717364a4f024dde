//go:build unix && !linux

package sys

import (
	"errors"
	"fmt"
	"os"
)

var errNoByteLocks = fmt.Errorf("the system has no locks of single bytes that belong to an open file (%w)", errors.ErrUnsupported)

// Reopen is not available: only byte locks need it.
func Reopen(*os.File) (*os.File, error) { return nil, errNoByteLocks }

// TryLockByte is not available: the locks that this system has belong to a
// process, which loses them when it closes any descriptor of the file.
func TryLockByte(*os.File, int64) (bool, error) { return false, errNoByteLocks }

// UnlockByte is not available; see [TryLockByte].
func UnlockByte(*os.File, int64) error { return errNoByteLocks }

// IsByteLocked is not available; see [TryLockByte].
func IsByteLocked(*os.File, int64) (bool, error) { return false, errNoByteLocks }
