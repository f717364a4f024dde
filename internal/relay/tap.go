package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Record is a piece of what passed, a line of JSON in a recording. Data is base64 there.
type Record struct {
	Time       time.Time `json:"time"`
	Connection int       `json:"connection"`
	Direction  string    `json:"direction"` // ">" or "<"
	Data       []byte    `json:"data"`
}

// Tap records what passes. Its methods may be called concurrently.
type Tap struct {
	mu  sync.Mutex
	out *json.Encoder
}

// NewTap returns a Tap that writes to w.
func NewTap(w io.Writer) *Tap {
	t := &Tap{out: json.NewEncoder(w)}
	t.out.SetEscapeHTML(false) // or the directions couldn't be searched for
	return t
}

var arrows = [2]string{There: ">", Back: "<"}

func (t *Tap) record(connection int, direction Direction, data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.out.Encode(Record{time.Now(), connection, arrows[direction], data})
	if err != nil {
		return fmt.Errorf("what passes could not be recorded: %w", err)
	}
	return nil
}

// Recording reads what a Tap wrote.
type Recording struct {
	in   *json.Decoder
	read int
}

// NewRecording returns the recording in r.
func NewRecording(r io.Reader) *Recording { return &Recording{in: json.NewDecoder(r)} }

// Next returns the next piece of what the first end sent, or [io.EOF].
func (r *Recording) Next() (Record, error) {
	for {
		var piece Record
		err := r.in.Decode(&piece)
		if err == io.EOF {
			return piece, io.EOF
		}
		r.read++
		switch {
		case err == io.ErrUnexpectedEOF:
			return piece, fmt.Errorf("line %d of the recording is cut off, as by a relay that was killed; what is before it is whole: %w", r.read, err)
		case err != nil:
			return piece, fmt.Errorf("line %d can't be read: %w: %w", r.read, errNoRecord, err)
		case piece.Direction == arrows[There]:
			return piece, nil
		case piece.Direction != arrows[Back]:
			return piece, fmt.Errorf("line %d of the recording has no direction: %w", r.read, errNoRecord)
		}
	}
}

var errNoRecord = errors.New("it is no recording of `ipc relay --tap`")
