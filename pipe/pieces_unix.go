//go:build unix

package pipe

import "os"

// pieceWriter writes to a file that is the writing end of a pipe.
type pieceWriter struct{}

func (*pieceWriter) write(f *os.File, p []byte) (int, error) { return f.Write(p) }
