package ipctest

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCSharp runs what the table says with the C# program in the file source, in a subtest
// for each runtime that this system can have. A subtest whose runtime or compiler isn't
// there ends in [Missing].
//
// .NET is the SDK where dotnet is on PATH and has one, and otherwise the runtime alone
// in the folder dotnet of the cache, where .ci/run puts it. For that and for mono, mono's
// mcs compiles. It doesn't run on Windows: there .ci/wine has compiled before.
func TestCSharp(t *testing.T, source string, tests ...PeerTest) {
	t.Helper()
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	runtimes := []csharpRuntime{{Mono, mono}, {NETOnLinux, dotnet}}
	if runtime.GOOS == "windows" {
		runtimes = []csharpRuntime{{NETOnWindows, dotnet}}
	}
	for _, r := range runtimes {
		t.Run(string(r.Runtime), func(t *testing.T) {
			program := r.program(t, source)
			for _, test := range tests {
				t.Run(test.Name, func(t *testing.T) {
					if reason := test.Not[r.Runtime]; reason != "" {
						t.Skip(reason)
					}
					test.Run(t, program)
				})
			}
		})
	}
}

type csharpRuntime struct {
	Runtime
	program func(t testing.TB, source string) Program
}

// own is compiled into every C# program.
//
//go:embed testdata/own.cs
var own []byte

func mono(t testing.TB, source string) Program {
	t.Helper()
	path, assembly := peerTool(t, "mono"), assembly(t, source)
	// Without the variable mono makes a file in /dev/shm, and leaves it there
	// when it is killed.
	return program([]string{"MONO_DISABLE_SHARED_AREA=1"}, path, assembly)
}

// dotnetEnv is what every dotnet command gets: no sockets in TMPDIR, which stay after a
// kill, under the variable's old name and its new one; no libicu.
var dotnetEnv = []string{"COMPlus_EnableDiagnostics=0", "DOTNET_EnableDiagnostics=0", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"}

func dotnet(t testing.TB, source string) Program {
	t.Helper()
	if path, err := exec.LookPath("dotnet"); err == nil {
		if version, err := exec.Command(path, "--version").Output(); err == nil {
			return builtByDotnet(t, path, string(version), source)
		}
	}
	const config = `{"runtimeOptions": {"tfm": "netcoreapp3.1", "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}`
	path := filepath.Join(dotnetCache(t), runtime.GOOS, "dotnet")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err != nil {
		Missing(t, "no .NET:", err.Error()+"; .ci/run install puts it there")
	}
	file := filepath.Join(t.TempDir(), "runtimeconfig.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return program(append(ownerEnv(t), dotnetEnv...), path, "exec", "--runtimeconfig", file, assembly(t, source))
}

// builtByDotnet compiles with the SDK.
func builtByDotnet(t testing.TB, dotnet, version, source string) Program {
	t.Helper()
	dir := t.TempDir()
	ownSource := filepath.Join(dir, "own.cs")
	if err := os.WriteFile(ownSource, own, 0o600); err != nil {
		t.Fatal(err)
	}
	major, _, _ := strings.Cut(strings.TrimSpace(version), ".")
	project := fmt.Sprintf(`<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <AssemblyName>peer</AssemblyName>
    <TargetFramework>net%s.0</TargetFramework>
    <UseAppHost>false</UseAppHost>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup><Compile Include="%s" /><Compile Include="%s" /></ItemGroup>
</Project>
`, major, source, ownSource)
	file := filepath.Join(dir, "peer.csproj")
	if err := os.WriteFile(file, []byte(project), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command(dotnet, "build", file, "--nologo", "-o", filepath.Join(dir, "out"),
		"-nodeReuse:false", "-p:UseSharedCompilation=false") // leave no compiler running
	env := append([]string{"DOTNET_CLI_HOME=" + dir, "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1"}, dotnetEnv...)
	build.Env = append(os.Environ(), append(env, tmpVariable+"="+dir)...)
	compile(t, build)
	return program(append(ownerEnv(t), env...), dotnet, filepath.Join(dir, "out", "peer.dll"))
}

// assembly returns the file that source is compiled to, which mono and .NET run on every
// system.
func assembly(t testing.TB, source string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		return compiledBefore(t, source)
	}
	dir := t.TempDir()
	ownSource, out := filepath.Join(dir, "own.cs"), filepath.Join(dir, "peer.dll")
	if err := os.WriteFile(ownSource, own, 0o600); err != nil {
		t.Fatal(err)
	}
	compile(t, exec.Command(peerTool(t, "mcs"), "-r:System.Core.dll", "-target:exe", "-out:"+out, source, ownSource))
	return out
}

// compiledBefore returns the file that .ci/wine has compiled source to. Its name is the
// sum of its sources.
func compiledBefore(t testing.TB, source string) string {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append(text, own...))
	path := filepath.Join(dotnetCache(t), "programs", fmt.Sprintf("%x.dll", sum))
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		Missing(t, source, "is not compiled; .ci/wine start does that")
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

// dotnetCache returns the folder where .ci/run keeps .NET.
func dotnetCache(t testing.TB) string {
	t.Helper()
	cache := os.Getenv("BREEZEWAY_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			Missing(t, "no .NET:", err.Error())
		}
		cache = filepath.Join(dir, "breezeway")
	}
	return filepath.Join(cache, "dotnet")
}
