package cli

// dump shows bytes that come in parts, of which each but the last one has a
// multiple of 16.
type dump interface {
	add(off int64, part []byte) error
	end(off int64) error
}

// eachPart is a dump that shows each part by itself.
type eachPart func(off int64, part []byte) error

func (d eachPart) add(off int64, part []byte) error { return d(off, part) }
func (d eachPart) end(int64) error                  { return nil }
