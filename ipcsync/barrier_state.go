package ipcsync

// barrierState is a word in shared memory. Every change of a barrier is one
// compare-and-swap of it:
//
//	bit  0       it is broken
//	bits 1..15   how many have arrived in this round
//	bits 16..63  the round, from 1 on
type barrierState uint64

const (
	barrierBroken  = 1
	barrierArrival = 2
	barrierRound   = 1 << 16

	maxParties = 1<<15 - 1
)

func (s barrierState) round() uint64 { return uint64(s / barrierRound) }
func (s barrierState) arrived() int  { return int(s % barrierRound / barrierArrival) }
func (s barrierState) broken() bool  { return s&barrierBroken != 0 }

// next returns the state at the beginning of the next round.
func (s barrierState) next() barrierState { return (s/barrierRound + 1) * barrierRound }

// partOf returns the name of a round in a slot's State. It is never 0.
func partOf(round uint64) uint32 { return uint32(round) | 1<<31 }
