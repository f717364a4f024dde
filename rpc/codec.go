package rpc

import (
	"bytes"
	"encoding/json"
)

// Messages as this package writes them are decoded without reflection, which takes half of the
// time. All others are decoded by encoding/json: whether a message is valid, and what it says,
// is the same either way, but that a value may have the 10,000 levels of nesting which
// encoding/json allows to a message.

var (
	beforeID     = []byte(`{"jsonrpc":"2.0","id":`)
	beforeResult = []byte(`,"result":`)
	beforeMethod = []byte(`,"method":"`)
	beforeParams = []byte(`","params":`)
)

// answerMessage is a result or an error.
type answerMessage struct {
	ID     json.RawMessage
	Result json.RawMessage
	Error  *Error
}

// decode decodes a message, which must not change while m is used.
func (m *answerMessage) decode(message []byte) error {
	if id, rest, ok := cutID(message, beforeResult); ok {
		if result, ok := cutLast(rest); ok {
			m.ID, m.Result = id, bytes.Clone(result) // the message's memory is used again
			return nil
		}
	}
	return json.Unmarshal(message, m)
}

// decode decodes a message.
func (m *incomingMessage) decode(message []byte) error {
	if id, rest, ok := cutID(message, beforeMethod); ok {
		name, rest, ok := bytes.Cut(rest, beforeParams)
		if params, last := cutLast(rest); ok && last && isPlain(name) {
			m.Version, m.ID, m.Method, m.Params = "2.0", bytes.Clone(id), string(name), bytes.Clone(params)
			return nil
		}
	}
	return json.Unmarshal(message, m)
}

// cutID returns the id with which a message begins, if that is a number followed by next, and
// what follows that.
func cutID(message, next []byte) (id, rest []byte, ok bool) {
	if rest, ok = bytes.CutPrefix(message, beforeID); !ok {
		return nil, nil, false
	}
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 1 && rest[0] == '0' || n > maxID {
		return nil, nil, false
	}
	id = rest[:n]
	rest, ok = bytes.CutPrefix(rest[n:], next)
	return id, rest, ok
}

// cutLast returns the value at the end of a message without spaces around it, if there is one
// and nothing else.
func cutLast(rest []byte) (value []byte, ok bool) {
	value, ok = bytes.CutSuffix(rest, []byte{'}'})
	if !ok || !json.Valid(value) {
		return nil, false
	}
	return bytes.TrimSpace(value), true // valid JSON ends with no other spaces than its own
}

// isPlain reports whether text is the same in a JSON string.
func isPlain[T string | []byte](text T) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendString appends text as a JSON string.
func appendString(b []byte, text string) ([]byte, error) {
	if isPlain(text) {
		b = append(b, '"')
		b = append(b, text...)
		return append(b, '"'), nil
	}
	quoted, err := json.Marshal(text)
	return append(b, quoted...), err
}
