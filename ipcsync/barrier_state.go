package ipcsync

// barrierState is the word that every change of a barrier is one compare-and-swap
// of:
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

// next is the beginning of the next round.
func (s barrierState) next() barrierState { return (s/barrierRound + 1) * barrierRound }

// partOf is how a slot names a round. It is never 0.
func partOf(round uint64) uint32 { return uint32(round) | 1<<31 }
