// Package ipctest holds what the tests of every mechanism need: processes made
// of the test binary itself, conformance suites that take a factory, and checks
// that nothing is left behind. It imports no mechanism.
//
// A package's tests start with
//
//	func TestMain(m *testing.M) { ipctest.Main(m) }
//
// and register the other process's part with [Helper].
package ipctest
