package worker

import (
	"encoding/binary"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// decoder takes values off bytes that another process has sent. After an error it
// yields zeros.
type decoder struct {
	b     []byte
	depth int
	err   error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format+" (%w)", append(args, breezeway.ErrMismatch)...)
	}
	d.b = nil
}

// take returns the next n bytes, or nil.
func (d *decoder) take(n int) []byte {
	if d.err != nil || n > len(d.b) {
		d.fail("%d bytes are there where %d should be", len(d.b), n)
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

// enter reports whether the value may be nested further.
func (d *decoder) enter() bool {
	if d.depth++; d.depth > mostDepth+1 {
		d.fail("the value is nested too deeply")
	}
	return d.err == nil
}

func (d *decoder) leave() { d.depth-- }

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if p := d.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if p := d.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

// count returns a number of elements that take at least so many bytes each, so that no
// more memory is allocated than has arrived.
func (d *decoder) count(each int) int {
	n := int(d.uint32())
	if n*each > len(d.b) {
		d.fail("%d elements don't fit into %d bytes", n, len(d.b))
		return 0
	}
	return n
}

func (d *decoder) text() string { return string(d.take(d.count(1))) }

// end returns the error, also if there are bytes left.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("there are %d bytes after the value", len(d.b))
	}
	return d.err
}
