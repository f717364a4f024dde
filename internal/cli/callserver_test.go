package cli

import (
	"fmt"
	"iter"
	"os"
	"strconv"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// objectsVerb makes the test binary a program that serves objects at a named pipe, for a
// number of connections.
const objectsVerb = "objects"

type adder struct{}

func (adder) Add(a, b int) int { return a + b }
func (adder) Count(to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < to && yield(i); i++ {
		}
	}
}

type teller struct{}

func (teller) Write(text string) { fmt.Println(text) }

type admin struct{}

func (admin) Stop() {}

func serveObjects(name, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	s, err := rpc.NewServer(&rpc.Config{Token: os.Getenv(tokenVariable)})
	if err != nil {
		return err
	}
	for name, object := range map[string]any{"Calc": adder{}, "Log": teller{}, "Admin": admin{}} {
		if err := s.Register(name, object); err != nil {
			return err
		}
	}
	l, err := pipe.Listen(name, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	for range n {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		s.ServeConn(c) // that a client has gone is no failure
	}
	return nil
}
