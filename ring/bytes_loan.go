package ring

// BytesLoan is room for a message in shared memory, which the message is written to in
// place.
type BytesLoan struct {
	// No more than four words: see BytesSample.
	p    *producer
	pos  uint64
	size int
}

// Bytes returns the room, of as many bytes as were asked for. It may be used until Send.
func (l BytesLoan) Bytes() []byte {
	if l.p == nil {
		return nil
	}
	return l.p.message(l.pos, l.size)
}

// Send sends the message. It fails as [Loan.Send] does.
func (l BytesLoan) Send() error { return l.p.send(l.pos, l.size) }
