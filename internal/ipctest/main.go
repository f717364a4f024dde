package ipctest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// helperEnv names the helper that a process is to run instead of the tests.
const helperEnv = "BREEZEWAY_TEST_HELPER"

// Main is a package's TestMain. In a process made by [Start] it runs the
// helper; otherwise it runs the tests and fails the run if they leave a goroutine
// or a descriptor, if they or any process that descends from them leave a process,
// a temporary file or an object with a [UniqueName] behind, or if a complete run
// used some helper nowhere.
//
// On Linux the environment variable IPC_WITHOUT names what the process and what it starts
// have to do without: see filters and namespaces.
func Main(m *testing.M) {
	enterSandbox()
	if name := os.Getenv(helperEnv); name != "" {
		runHelper(name)
	}
	if shareErr != nil {
		fmt.Fprintln(os.Stderr, "ipctest:", shareErr)
		os.Exit(2)
	}
	mainRuns = true
	leaks := watchLeaks()
	code := m.Run()
	if code == 0 && !isFuzzWorker() {
		complaints := append(leaks.find(), runLateAgain()...)
		if completeRun() {
			complaints = append(complaints, unusedHelpers()...)
		}
		for _, c := range complaints {
			fmt.Fprintln(os.Stderr, "ipctest:", c)
			code = 1
		}
	}
	leaks.close()
	os.Exit(code)
}

// isFuzzWorker reports whether this process is one of several that fuzz. The one that
// started it kills it when it hasn't ended after 2 s, so that there is no time to look again.
func isFuzzWorker() bool {
	f := flag.Lookup("test.fuzzworker")
	return f != nil && f.Value.String() == "true"
}

// completeRun reports whether every test was to run: no selection, no list, no
// fuzzing, not short.
func completeRun() bool {
	complete := true
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.run", "test.skip", "test.list", "test.fuzz", "test.fuzzworker", "test.short", "test.bench":
			if v := f.Value.String(); v != "" && v != "false" && !(f.Name == "test.run" && v == ".") {
				complete = false
			}
		}
	})
	return complete
}

// UnderWine reports whether this Windows binary runs under Wine.
func UnderWine() bool { return os.Getenv("IPC_WINE") != "" }

// Missing skips the test because something it needs is not on this machine, or
// fails it where IPC_REQUIRE_PEERS is set, as in continuous integration.
func Missing(t testing.TB, what ...string) {
	t.Helper()
	reason := strings.Join(what, " ")
	if os.Getenv("IPC_REQUIRE_PEERS") != "" {
		t.Fatalf("IPC_REQUIRE_PEERS is set, but %s", reason)
	}
	t.Skip(reason)
}
