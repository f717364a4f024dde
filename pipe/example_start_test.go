package pipe_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// The children of the examples: programs of their own in real life, here this
// one with another first argument.
func init() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case "example-worker":
		worker()
	case "example-reporter":
		reporter()
	default:
		return
	}
	os.Exit(0)
}

// worker answers each line from its parent.
func worker() {
	parent, err := pipe.Inherited()
	if err != nil {
		log.Fatal(err)
	}
	defer parent.Close()
	for lines := bufio.NewScanner(parent); lines.Scan(); {
		fmt.Fprintln(parent, strings.ToUpper(lines.Text()))
	}
}

// A parent and its child talk both ways, and leave the child's standard streams
// alone. The child ends when its pipe does.
func ExampleStart() {
	cmd := exec.Command(os.Args[0], "example-worker")
	cmd.Stderr = os.Stderr
	child, err := pipe.Start(cmd, &pipe.StartConfig{DieWithParent: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(child, "hello")
	answer, err := bufio.NewReader(child).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(answer)
	child.Close()
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: HELLO
}

// reporter writes to the pipe that it was told of by an argument.
func reporter() {
	w, err := pipe.InheritedFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	fmt.Fprintln(w, "all is well")
}

// One direction, and a child that gets the handle's number as an argument: it
// could be written in any language.
func ExampleInherit() {
	// This process reads; the other end is for the child.
	r, w, err := pipe.New(&pipe.Config{Direction: pipe.In})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	cmd := exec.Command(os.Args[0], "example-reporter")
	handle, err := pipe.Inherit(cmd, w)
	if err != nil {
		log.Fatal(err)
	}
	cmd.Args = append(cmd.Args, handle)
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	w.Close() // so that reading ends when the child does

	io.Copy(os.Stdout, r)
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: all is well
}
