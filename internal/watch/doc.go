// Package watch tells goroutines that a file appeared, was changed or was closed.
//
// On Linux all watches of a process share one inotify instance: a user has few (128
// by default), and closing one takes the kernel 10 to 15 ms, so that it is closed in
// the background when it has been unused for a while. Other systems raise no such
// events: there, and where the user has no instance left, goroutines pause and look
// again.
package watch
