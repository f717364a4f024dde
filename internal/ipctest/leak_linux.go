package ipctest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

func objectDirectory() string { return "/dev/shm" }

func staysByDesign(string) bool { return false }

// leftProcesses lists the processes that descend from this one, by their
// environment. Those of another user show it only to root.
func leftProcesses() (left []string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environs {
		env, err := os.ReadFile(file)
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), isRun) {
			continue
		}
		dir := filepath.Dir(file)
		pid := filepath.Base(dir)
		if pid == strconv.Itoa(os.Getpid()) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		left = append(left, pid+" "+string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
	}
	return left
}

func isRun(variable []byte) bool { return string(variable) == runEnv+"="+runName() }
