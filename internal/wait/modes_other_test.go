//go:build !linux

package wait

import "testing"

func eachMode(t *testing.T, run func(t *testing.T, m *memory)) { run(t, newMemory(t)) }

func setMode(string) {}
