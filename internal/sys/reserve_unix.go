//go:build unix

package sys

import "os"

// appendZeros is how to reserve storage where the system has no call for it. If it fails
// it makes the file as long as before. It is not safe against another process that grows
// the file and writes there at the same time.
func appendZeros(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at := info.Size(); at < size; {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
		at += int64(n)
		if err != nil {
			f.Truncate(info.Size())
			return err
		}
	}
	return nil
}
