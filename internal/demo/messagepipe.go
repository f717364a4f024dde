package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// messagePipe joins processes by a named pipe that keeps messages apart.
var messagePipe = demo{
	mechanism: "message pipe",
	server: func(p *process) error {
		return p.withClient(&pipe.Config{Message: true}, p.answerMessages)
	},
	client: func(p *process) error {
		return p.withServer(&pipe.Config{Message: true}, p.talkInMessages)
	},
}

// answerMessages answers each message in capitals, until the client closes.
func (p *process) answerMessages(c *pipe.Conn) error {
	var message []byte
	for n := 1; ; n++ {
		var err error
		message, err = c.ReadMessage(message[:0])
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n <= len(greetings):
			p.say("receives message %d: %q", n, message)
		}
		if _, err := c.Write(bytes.ToUpper(message)); err != nil {
			return err
		}
	}
}

// greetings are sent before the first of them is answered, and stay apart.
var greetings = []string{"hello", "two lines\nin one message"}

func (p *process) talkInMessages(c *pipe.Conn) error {
	for _, text := range greetings {
		p.say("sends %q", text)
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
	}
	for _, text := range greetings {
		answer, err := c.ReadMessage(nil)
		if err != nil {
			return err
		}
		if want := bytes.ToUpper([]byte(text)); !bytes.Equal(answer, want) {
			return fmt.Errorf("the answer to %q was %q", text, answer)
		}
	}
	p.say("receives %d answers, each of them whole", len(greetings))
	payload, answer := bytes.Repeat([]byte("a"), payloadSize), make([]byte, 0, payloadSize)
	want := bytes.ToUpper(payload)
	return p.measureEach(fmt.Sprintf("%d messages, then %d x %d B, there and back", len(greetings), roundTrips, payloadSize), func() (err error) {
		if _, err = c.Write(payload); err != nil {
			return err
		}
		if answer, err = c.ReadMessage(answer[:0]); err != nil {
			return err
		}
		if !bytes.Equal(answer, want) {
			return fmt.Errorf("the answer to %q was %q", payload, answer)
		}
		return nil
	})
}
