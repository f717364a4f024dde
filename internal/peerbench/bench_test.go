package peerbench

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// An operation is a batch of messages, which are put in one commit and taken in another.

func BenchmarkBbolt(b *testing.B)  { compare(b, ours, bolt) }
func BenchmarkSQLite(b *testing.B) { compare(b, ours, sqlite) }

// BenchmarkDatabases holds the databases against each other.
func BenchmarkDatabases(b *testing.B) { compare(b, sqlite, bolt) }

// compare compares the two in a comparison without and in one with Sync.
func compare(b *testing.B, subject, baseline opener) {
	for _, synced := range []bool{false, true} {
		name := "unsynced"
		if synced {
			name = "synced"
		}
		b.Run(name, func(b *testing.B) {
			ipctest.Compare(b, subject.contender(b, synced), baseline.contender(b, synced))
		})
	}
}
