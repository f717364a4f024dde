package rpc

import "bytes"

// form is what a message looks like, before it is decoded.
type form int

const (
	unclear  form = iota // to be refused by whatever decodes it
	request              // or a notification
	response             // a result or an error
	batch                // an array
)

// classify looks for the first top-level key that tells what a message is, and returns the
// method of a request. It does not validate: what it passes over is checked when the
// message is decoded.
func classify(message []byte) (f form, method string) {
	s := scanner{message}
	switch s.next() {
	case '[':
		return batch, ""
	case '{':
	default:
		return unclear, ""
	}
	for s.peek() == '"' {
		key := s.string()
		switch string(key) {
		case "method":
			if s.next() != ':' || s.peek() != '"' {
				return unclear, ""
			}
			return request, string(s.string())
		case "result", "error":
			return response, ""
		}
		if s.next() != ':' {
			return unclear, ""
		}
		s.skipValue()
		if s.next() != ',' {
			return unclear, ""
		}
	}
	return unclear, ""
}

// scanner goes over JSON that may be anything.
type scanner struct{ rest []byte }

// peek returns the next byte that is no space, 0 at the end.
func (s *scanner) peek() byte {
	s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
	if len(s.rest) == 0 {
		return 0
	}
	return s.rest[0]
}

// next is peek, and goes on.
func (s *scanner) next() byte {
	c := s.peek()
	if c != 0 || len(s.rest) > 0 {
		s.rest = s.rest[1:]
	}
	return c
}

// string goes over a string and returns it without its quotes, escapes as they are.
func (s *scanner) string() []byte {
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			text := s.rest[1:i]
			s.rest = s.rest[i+1:]
			return text
		}
	}
	s.rest = nil
	return nil
}

// skipValue goes over a value of any sort.
func (s *scanner) skipValue() {
	for depth := 0; ; {
		switch c := s.peek(); c {
		case 0:
			s.rest = nil
			return
		case '"':
			s.string()
		case '{', '[':
			depth++
			s.rest = s.rest[1:]
		case '}', ']':
			depth--
			s.rest = s.rest[1:]
		case ',', ':':
			s.rest = s.rest[1:]
		default:
			end := bytes.IndexAny(s.rest, ",:]}{[\" \t\r\n")
			if end < 0 {
				end = len(s.rest)
			}
			s.rest = s.rest[end:]
		}
		if depth <= 0 {
			return
		}
	}
}
