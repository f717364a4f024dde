package ipctest

import "testing"

// Runtime is what runs a C# program.
type Runtime string

const (
	Mono         Runtime = "mono"
	NETOnLinux   Runtime = ".NET on Linux"
	NETOnWindows Runtime = ".NET on Windows" // Wine included
)

// PeerTest is a test of what a program in another language does with ours.
type PeerTest struct {
	Name string
	Run  func(*testing.T, Program)
	// Not says why it isn't so with a runtime.
	Not map[Runtime]string
}

// RunPeerTests runs all tests with a program that no [Runtime] runs.
func RunPeerTests(t *testing.T, program Program, tests ...PeerTest) {
	for _, test := range tests {
		t.Run(test.Name, func(t *testing.T) { test.Run(t, program) })
	}
}
