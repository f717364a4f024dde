// Package killpoint marks the points inside a change of shared state at which a
// test kills the process, or stalls a goroutine. Built with the tag killpoints, a process dies at the
// point that its environment names; without the tag the marks cost nothing.
package killpoint
