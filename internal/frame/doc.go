// Package frame reads and writes messages that travel on a stream, each behind a header
// with its length. What the header looks like is a [Format].
package frame
