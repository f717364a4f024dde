// Package acceptor is the half of a listener that does not depend on what it listens at:
// many Accepts that end by their own context or a deadline while one goroutine accepts,
// and handshakes that keep no other client waiting.
package acceptor
