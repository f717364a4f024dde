// Package fault decides whether touching the mapped memory of a file can fault, and so
// whether an access needs a guard that turns the fault into an error. Every access
// without a guard rests on [Possible].
//
// Memory faults if its byte is beyond the end of the file, or in a hole of the file for
// which the system finds no storage. What other processes can do about it:
//
//	memory                                truncate it        punch a hole into it
//	file, named segment                   those that write   those that write
//	memfd, sealed against shrinking       none               those with a descriptor
//	  and against writing                 none               none
//
// The next touch of a hole allocates its storage, at the cost of the process that
// touches it. If there is none the touch faults: the tmpfs is full, hugetlbfs has no
// page left, or the system grants no more memory (overcommit_memory=2).
//
// Memory is therefore touched without a guard if all of this holds:
//
//   - It is as long as what is mapped, and none can make it shorter: it is sealed, or
//     the processes that may write it are trusted.
//   - It has storage for all of its bytes. What this module makes has.
//   - This user or the superuser made it. Another user decides when what it made has a
//     hole, and what lies in it costs the reader.
//   - Its pages don't come from hugetlbfs.
//
// What remains: a process that was given the descriptor of a sealed memfd of ours can
// punch a hole into it, and with overcommit_memory=2 the next touch may then fault.
package fault

import "os"

// Trust says which processes are trusted not to truncate a file.
type Trust bool

const (
	// NoProcess is for memory that any process may have access to.
	NoProcess Trust = false
	// ThisUser trusts the processes of this user and the superuser. It counts if no
	// other user may write the file.
	ThisUser Trust = true
)

// Possible reports whether touching one of the first size bytes of f can fault, when
// they are mapped. Elsewhere than on Unix it reports true: Close takes memory away there.
func Possible(f *os.File, size int64, trust Trust) bool { return possible(f, size, trust) }
