//go:build !linux

package ipctest

import "os"

func enterSandbox() {}

func executable() (string, error) { return os.Executable() }
