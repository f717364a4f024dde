package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func ExampleRWMutex() {
	// The process's number keeps examples that run at the same time apart.
	name := fmt.Sprintf("settings-%d", os.Getpid())
	m, err := ipcsync.OpenOrCreateRWMutex(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindRWMutex, name, nil)
	defer m.Close()

	write := func() error {
		h, err := m.Lock(context.Background())
		if err != nil {
			return err
		}
		defer h.Unlock()
		if h.Recovered() {
			fmt.Println("repair what a dead writer left half done")
			if err := h.MarkConsistent(); err != nil {
				return err
			}
		}
		fmt.Println("write")
		return nil
	}
	read := func() error {
		h, err := m.RLock(context.Background())
		if err != nil {
			return err
		}
		if h.Recovered() { // only a writer can repair it
			if err := h.Unlock(); err != nil {
				return err
			}
			if err := write(); err != nil {
				return err
			}
			if h, err = m.RLock(context.Background()); err != nil {
				return err
			}
		}
		defer h.Unlock()
		fmt.Println("read")
		return nil
	}
	fmt.Println(write(), read())
	// Output:
	// write
	// read
	// <nil> <nil>
}
