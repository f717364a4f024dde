package shmnet

// memory is both rings of a connection and the words that belong to them.
type memory struct {
	origin // what the other end maps it by; forgotten once both have mapped it
	b      []byte
}

// memorySize returns how large the memory of both rings is.
func (h hello) memorySize() int { return controlSize + int(h.toClient) + int(h.toServer) }

// ends returns the rings as one end sees them.
func (m *memory) ends(h hello, server bool) (inbound, outbound) {
	toClient := m.b[controlSize:][:h.toClient]
	toServer := m.b[controlSize+h.toClient:][:h.toServer]
	if server {
		return makeInbound(controlOf(m.b, 1), toServer), makeOutbound(controlOf(m.b, 0), toClient)
	}
	return makeInbound(controlOf(m.b, 0), toClient), makeOutbound(controlOf(m.b, 1), toServer)
}
