package ring

// A record begins with a word that says whether it is there:
//
//	bits  0..1   the state
//	bits  2..31  size: ready: bytes of the message; writing, skip: cells of the record
//	bits 32..63  writing: the holder (package liveness) that fills it;
//	             else: the record's position, modulo 2^32
//
// A word with the state empty and the position of its own place is where the next record
// begins. docs/formats.md has the rules byte by byte.
type word uint64

const (
	empty   word = iota // no record is there yet
	ready               // a message
	writing             // reserved by one of many senders
	skip                // no message: the way to the next record
)

const (
	stateBits = 3
	sizeShift = 2
	sizeMask  = 1<<30 - 1
	highShift = 32
)

// maxSize bounds what a word can say.
const maxSize = 1 << 29

// wordOf returns the word of a record at a position that none is filling.
func wordOf(state word, pos, size uint64) word {
	return state | word(size)<<sizeShift | word(pos)<<highShift
}

// writingBy returns the word of a record of so many cells that a holder fills.
func writingBy(holder uint32, cells uint64) word {
	return writing | word(cells)<<sizeShift | word(holder)<<highShift
}

func (w word) state() word    { return w & stateBits }
func (w word) size() uint64   { return uint64(w>>sizeShift) & sizeMask }
func (w word) holder() uint32 { return uint32(w >> highShift) }

// isAt reports whether w is the word of a record at pos that none is filling.
func (w word) isAt(pos uint64) bool {
	return w.state() != writing && uint32(w>>highShift) == uint32(pos)
}
