//go:build !windows

package wait

import "os"

func eventName(*os.File, int64) (string, error) { return "", nil }
