package ipctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Program makes the command that runs a program in another language with args.
type Program func(args ...string) *exec.Cmd

// CSharp compiles the C# program in the file source, with the .NET SDK where
// dotnet is on PATH and with mono otherwise. What it makes lives as long as t,
// so compile in the test whose subtests share the program.
func CSharp(t testing.TB, source string) Program {
	t.Helper()
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	if dotnet, err := exec.LookPath("dotnet"); err == nil {
		return dotnetProgram(t, dotnet, source)
	}
	mcs, mono := peerTool(t, "mcs"), peerTool(t, "mono")
	exe := filepath.Join(t.TempDir(), "peer.exe")
	compile(t, exec.Command(mcs, "-r:System.Core.dll", "-out:"+exe, source))
	// Without the variable mono makes a file in /dev/shm, and leaves it there
	// when it is killed.
	return program([]string{"MONO_DISABLE_SHARED_AREA=1"}, mono, exe)
}

func dotnetProgram(t testing.TB, dotnet, source string) Program {
	t.Helper()
	dir := t.TempDir()
	env := []string{
		"DOTNET_CLI_HOME=" + dir, "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1",
		"DOTNET_EnableDiagnostics=0", // no sockets in TMPDIR, which stay after a kill
	}
	version := exec.Command(dotnet, "--version")
	version.Env = append(os.Environ(), env...)
	out, err := version.Output()
	if err != nil {
		Missing(t, "dotnet is on PATH but without an SDK:", err.Error())
	}
	major, _, _ := strings.Cut(strings.TrimSpace(string(out)), ".")
	project := fmt.Sprintf(`<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <AssemblyName>peer</AssemblyName>
    <TargetFramework>net%s.0</TargetFramework>
    <UseAppHost>false</UseAppHost>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup><Compile Include="%s" /></ItemGroup>
</Project>
`, major, source)
	file := filepath.Join(dir, "peer.csproj")
	if err := os.WriteFile(file, []byte(project), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command(dotnet, "build", file, "--nologo", "-o", filepath.Join(dir, "out"),
		"-nodeReuse:false", "-p:UseSharedCompilation=false") // leave no compiler running
	build.Env = append(os.Environ(), append(env, "TMPDIR="+dir)...)
	compile(t, build)
	return program(env, dotnet, filepath.Join(dir, "out", "peer.dll"))
}

// C compiles the C program in the file source with gcc.
func C(t testing.TB, source string) Program {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "peer")
	compile(t, exec.Command(peerTool(t, "gcc"), "-O2", "-Wall", "-Wextra", "-Werror", "-o", exe, source, "-pthread"))
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
	compile(t, exec.Command(peerTool(t, "g++"), "-Wall", "-Wextra", "-Werror", "-o", exe, source, "-pthread"))
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
