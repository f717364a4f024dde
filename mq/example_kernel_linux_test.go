package mq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/mq"
)

// A C program opens the same queue with mq_open("/jobs", O_RDWR), and a Python program by
// ctypes: docs/interop.md has both.
func ExampleCreatePOSIX() {
	name := fmt.Sprintf("jobs-%d", os.Getpid()) // a program would just say "jobs"
	q, err := mq.CreatePOSIX(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer mq.RemovePOSIX(name)
	defer q.Close()

	ctx := context.Background()
	q.Send(ctx, mq.Outgoing{Body: []byte("tidy up")})
	q.Send(ctx, mq.Outgoing{Body: []byte("put out the fire"), Priority: 9})
	for range 2 {
		m, err := q.Receive(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", m.Priority, m.Body)
	}
	_, err = q.Lease(ctx, nil)
	fmt.Println("leases:", !errors.Is(err, errors.ErrUnsupported))
	// Output:
	// 9 put out the fire
	// 0 tidy up
	// leases: false
}

// A server receives requests, which all have the type 1, and answers with the type that
// the client has asked for: its process id, as C programs often do.
func ExampleOpenSystemV() {
	file, err := os.CreateTemp("", "key") // a file that both programs know
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())
	file.Close()

	server, err := mq.CreateSystemV(file.Name(), &mq.SystemVConfig{Project: 'A', ReceiveType: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer mq.RemoveSystemV(file.Name(), &mq.SystemVConfig{Project: 'A'})
	client, err := mq.OpenSystemV(file.Name(), &mq.SystemVConfig{Project: 'A', ReceiveType: os.Getpid()})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	client.Send(ctx, mq.Outgoing{Body: fmt.Append(nil, os.Getpid())})
	request, err := server.Receive(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	var of int
	fmt.Sscan(string(request.Body), &of)
	server.SendWithType(ctx, of, mq.Outgoing{Body: []byte("hello, client")})
	answer, err := client.Receive(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", answer.Body)
	// Output: hello, client
}

func ExampleNewTyped() {
	type job struct {
		Host string
		Size int
	}
	name := fmt.Sprintf("typed-%d", os.Getpid())
	q, err := mq.CreatePOSIX(name, nil) // or any other queue
	if err != nil {
		log.Fatal(err)
	}
	defer mq.RemovePOSIX(name)
	defer q.Close()

	jobs, err := mq.NewTyped[job](q, nil) // as JSON
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := jobs.Send(ctx, job{"alpha", 3}, mq.Outgoing{Priority: 5}); err != nil {
		log.Fatal(err)
	}
	m, err := jobs.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Value.Host, m.Value.Size, m.Priority)
	fmt.Printf("%s\n", m.Body)
	// Output:
	// alpha 3 5
	// {"Host":"alpha","Size":3}
}

// The C program sends struct reading { uint16_t sensor; double celsius; }.
func ExampleRaw() {
	type reading struct {
		Sensor  uint16
		Celsius float64
	}
	name := fmt.Sprintf("readings-%d", os.Getpid())
	q, err := mq.CreatePOSIX(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer mq.RemovePOSIX(name)
	defer q.Close()

	readings, err := mq.NewTyped(q, mq.Raw[reading]())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := readings.Send(ctx, reading{7, 18.5}, mq.Outgoing{}); err != nil {
		log.Fatal(err)
	}
	m, err := readings.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Value.Sensor, m.Value.Celsius, len(m.Body))
	// Output: 7 18.5 16
}
