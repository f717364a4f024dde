package wait

import "os"

// FileName returns the Word of a [Name] for the word at offset in a mapped file:
// the same in all processes that have it open, by whatever path, and another for
// every other file while this one is open. It reaches the whole machine.
func FileName(f *os.File, offset int64) (string, error) { return fileName(f, offset) }
