//go:build !linux

package wait

import "testing"

func eachMode(t *testing.T, run func(t *testing.T, mode string)) { run(t, "") }

func setMode(string) {}
