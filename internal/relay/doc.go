// Package relay joins two ends, such as a connection with another one or with a queue, and
// records what passes.
package relay
