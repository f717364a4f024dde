//go:build !windows

package shmnet

// pages has nothing to do: the system provides pages as they are touched.
type pages struct{}

func pagesOf([]byte) pages { return pages{} }

func (*pages) cover(uint64) error { return nil }
