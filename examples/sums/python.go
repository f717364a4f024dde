package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed sums.py
var pythonSource []byte

// runPython runs the same two methods in Python. A file, not python -c: where children
// don't fork they read the source again.
func runPython(ctx context.Context, w work) (queue, memory time.Duration, err error) {
	python, err := findPython()
	if err != nil {
		return 0, 0, err
	}
	dir, err := os.MkdirTemp("", "sums")
	if err != nil {
		return 0, 0, err
	}
	file := filepath.Join(dir, "sums.py")
	defer os.Remove(dir)
	defer os.Remove(file)
	if err := os.WriteFile(file, pythonSource, 0o600); err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, python, "-B", file, strconv.FormatUint(w.Count, 10), strconv.FormatUint(w.Batch, 10))
	cmd.Stderr = os.Stderr
	// An interrupted Python ends its processes, a killed one leaves them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	text, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", python, err)
	}
	var seconds struct{ Queue, Memory float64 }
	if err := json.Unmarshal(text, &seconds); err != nil {
		return 0, 0, fmt.Errorf("%s printed %.80q: %w", python, text, err)
	}
	duration := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return duration(seconds.Queue), duration(seconds.Memory), nil
}

func findPython() (string, error) {
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no python3 on the PATH to compare with")
}
