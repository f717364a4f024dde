//go:build unix

package pipe_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// The three smallest of some words, as "sort | uniq | head -n 3" has it.
func ExamplePipeline() {
	sort, uniq, head := exec.Command("sort"), exec.Command("uniq"), exec.Command("head", "-n", "3")
	sort.Stdin = strings.NewReader("pear\nfig\napple\nfig\nplum\ncherry\n")
	head.Stdout = os.Stdout

	p := pipe.NewPipeline(sort, uniq, head)
	if err := p.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	for i, n := range p.Joints() {
		fmt.Printf("%d bytes from %s to %s\n", n, p.Stages()[i].Args[0], p.Stages()[i+1].Args[0])
	}
	// Output:
	// apple
	// cherry
	// fig
	// 31 bytes from sort to uniq
	// 27 bytes from uniq to head
}

// A log that any program can write to with "echo text >path", one after the
// other.
func ExampleOpenFIFO() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(dir)
	path := filepath.Join(dir, "log")
	if err := pipe.MakeFIFO(path, nil); err != nil {
		log.Fatal(err)
	}
	defer pipe.RemoveFIFO(path)

	// Without KeepOpen this would wait for the first writer, and the first
	// writer's end would be the reader's.
	f, err := pipe.OpenFIFO(context.Background(), path, pipe.In, &pipe.FIFOConfig{KeepOpen: true})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()

	for _, word := range []string{"started", "stopped"} {
		if err := exec.Command("sh", "-c", "echo "+word+" >"+path).Run(); err != nil {
			log.Fatal(err)
		}
	}
	io.CopyN(os.Stdout, f, int64(len("started\nstopped\n")))
	// Output:
	// started
	// stopped
}
