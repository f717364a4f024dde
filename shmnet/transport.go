package shmnet

// Transport says how the bytes of a connection travel.
type Transport int

const (
	// Undecided is a connection whose other end hasn't said yet whether it can share
	// memory, and the nil and the zero Conn.
	Undecided Transport = iota
	// SharedMemory is two rings of bytes in memory that both processes map.
	SharedMemory
	// Plain is the socket itself, or the named pipe on Windows.
	Plain
)

func (t Transport) String() string {
	switch t {
	case SharedMemory:
		return "shared memory"
	case Plain:
		return "plain"
	}
	return "undecided"
}
