package wait

import "os"

// EventName returns the Word of a [Name] for the word at offset in a mapped file.
// It is the same in all processes that have the file open, by whatever path, and
// differs from that of every other file while this one is open. It reaches the
// whole machine.
func EventName(f *os.File, offset int64) (string, error) { return eventName(f, offset) }
