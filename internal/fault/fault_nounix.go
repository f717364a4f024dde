//go:build !unix

package fault

import "os"

func possible(*os.File, int64, Trust) bool { return true }
