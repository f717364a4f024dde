package ring_test

import (
	"context"
	"fmt"
	"log"

	"github.com/breezeway-ipc/breezeway/ring"
)

// Frame is a message: it has no pointers, strings or bools.
type Frame struct {
	Number uint64
	Pixels [4096]byte
}

func Example() {
	ctx := context.Background()
	r, err := ring.OpenOrCreate[Frame]("example", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Remove("example", nil)
	defer r.Close()

	// In one process:
	sender, err := r.Sender()
	if err != nil {
		log.Fatal(err)
	}
	loan, err := sender.Loan(ctx)
	if err != nil {
		log.Fatal(err)
	}
	loan.Value().Number = 7
	if err := loan.Send(); err != nil {
		log.Fatal(err)
	}

	// In another:
	receiver, err := r.Receiver()
	if err != nil {
		log.Fatal(err)
	}
	sample, err := receiver.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("frame", sample.Value().Number)
	if err := sample.Release(); err != nil {
		log.Fatal(err)
	}
	// Output: frame 7
}

// Messages of bytes from several senders, received in a loop.
func ExampleBytesReceiver_All() {
	ctx := context.Background()
	b, err := ring.CreateBytes("example-log", &ring.Config{Shape: ring.ManyToOne})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Remove("example-log", nil)
	defer b.Close()
	for _, text := range []string{"started", "ready", "done"} {
		s, err := b.Sender() // each process, and each goroutine, has its own
		if err != nil {
			log.Fatal(err)
		}
		l, err := s.Loan(ctx, len(text))
		if err != nil {
			log.Fatal(err)
		}
		copy(l.Bytes(), text)
		if err := l.Send(); err != nil {
			log.Fatal(err)
		}
	}
	r, err := b.Receiver()
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range r.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m.Bytes())
		if string(m.Bytes()) == "done" {
			break
		}
	}
	// Output:
	// started
	// ready
	// done
}
