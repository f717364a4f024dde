package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The frames of native messaging: the length of the message in four bytes, in the
// machine's own byte order, then the message, which is JSON in UTF-8.
//
// A browser drops a host that sends it more than mostOut bytes in a message. It sends up
// to 64 MiB itself; what this host is asked is smaller by far.
const (
	mostIn  = 64 << 10
	mostOut = 1 << 20
	mostMax = 64 << 20
)

var (
	// errTooLarge means that a message exceeded mostIn. It was skipped: the next one can be
	// read.
	errTooLarge = fmt.Errorf("a message to the host may have %d bytes", mostIn)
	// errAnswerTooLarge means that a message exceeds mostOut. It was not sent.
	errAnswerTooLarge = fmt.Errorf("a message to the browser may have %d bytes", mostOut)
)

// readMessage reads a message. It returns [io.EOF] at the end of the input, and
// [io.ErrUnexpectedEOF] if that comes in the middle of a message.
func readMessage(in io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	switch size := int64(binary.NativeEndian.Uint32(header[:])); {
	case size > mostMax:
		return nil, fmt.Errorf("a message of %d bytes is announced: no browser sends it", size)
	case size > mostIn:
		if _, err := io.CopyN(io.Discard, in, size); err != nil {
			return nil, unexpected(err)
		}
		return nil, errTooLarge
	default:
		message := make([]byte, size)
		_, err := io.ReadFull(in, message)
		return message, unexpected(err)
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeMessage writes a message in one piece.
func writeMessage(out io.Writer, v any) error {
	message, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(message) > mostOut {
		return errAnswerTooLarge
	}
	frame := binary.NativeEndian.AppendUint32(nil, uint32(len(message)))
	_, err = out.Write(append(frame, message...))
	return err
}
