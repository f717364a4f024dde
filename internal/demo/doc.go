// Package demo shows every mechanism at work between two real processes: what
// `ipc demo` does. [Run] starts the processes, which are this program with [Verb]
// as its first argument, and then call [Play].
package demo
