package ipctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Program makes the command that runs a program in another language with args.
type Program func(args ...string) *exec.Cmd

// C compiles the C program in the file source with gcc, and links the libraries, such as
// -lrt.
func C(t testing.TB, source string, libraries ...string) Program {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "peer")
	flags := append([]string{"-O2", "-Wall", "-Wextra", "-Werror", "-o", exe, source, "-pthread"}, libraries...)
	compile(t, exec.Command(peerTool(t, "gcc"), flags...))
	return program(nil, exe)
}

// CPlusPlus compiles the C++ program in the file source with g++. header is that of
// a library which it needs.
func CPlusPlus(t testing.TB, source, header string) Program {
	t.Helper()
	if _, err := os.Stat(filepath.Join("/usr/include", header)); err != nil {
		Missing(t, header, "is not installed")
	}
	exe := filepath.Join(t.TempDir(), "peer")
	compile(t, exec.Command(peerTool(t, "g++"), "-O2", "-Wall", "-Wextra", "-Werror", "-o", exe, source, "-pthread"))
	return program(nil, exe)
}

// Python runs the Python 3 program in the file source.
func Python(t testing.TB, source string) Program {
	t.Helper()
	// Where python3 is a wrapper, the process must still be Python's own.
	out, err := exec.Command(peerTool(t, "python3"), "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		Missing(t, "python3 does not run:", err.Error())
	}
	return program([]string{"PYTHONUTF8=1"}, strings.TrimSpace(string(out)), source)
}

// Pythons runs the Python 3 program in the file source by every Python that is found,
// from 3.least on: the one on PATH, Debian's, and those in pyenv's versions folder. The
// key is the path of a Python.
func Pythons(t testing.TB, least int, source string) map[string]Program {
	t.Helper()
	root := os.Getenv("PYENV_ROOT")
	if home, err := os.UserHomeDir(); root == "" && err == nil {
		root = filepath.Join(home, ".pyenv")
	}
	found, err := filepath.Glob(filepath.Join(root, "versions", "3.*", "bin", "python3"))
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]Program{}
	for _, python := range append(found, "python3", "/usr/bin/python3") {
		// Where python3 is a wrapper, the process must still be Python's own.
		out, err := exec.Command(python, "-c", "import sys; print(sys.version_info[1], sys.executable)").Output()
		if err != nil {
			continue
		}
		version, path, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		if minor, err := strconv.Atoi(version); err == nil && minor >= least {
			programs[path] = program([]string{"PYTHONUTF8=1"}, path, source)
		}
	}
	if len(programs) == 0 {
		Missing(t, "there is no python3 of version 3."+strconv.Itoa(least)+" or later")
	}
	return programs
}

// Shell runs the shell script in the file source, which needs the given tools.
func Shell(t testing.TB, source string, tools ...string) Program {
	t.Helper()
	for _, tool := range tools {
		peerTool(t, tool)
	}
	return program(nil, peerTool(t, "sh"), source)
}

func peerTool(t testing.TB, tool string) (path string) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		Missing(t, tool, "is not installed")
	}
	return path
}

func compile(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func program(env []string, words ...string) Program {
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(words[0], append(words[1:len(words):len(words)], args...)...)
		cmd.Env = append(os.Environ(), env...)
		return cmd
	}
}
