package breezeway_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// Errors are told apart by what they wrap.
func ExampleError() {
	_, err := pipe.Dial(context.Background(), "no-server-listens-here", nil)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Println("no server")
	}
	var e *breezeway.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Op, e.Name)
	}
	// Output:
	// no server
	// pipe dial no-server-listens-here
}

func ExampleCheckName() {
	fmt.Println(breezeway.CheckName("chat"))
	fmt.Println(breezeway.CheckName("chat/room"))
	// Output:
	// <nil>
	// byte 5 of the name is '/', a name has only A-Z a-z 0-9 . _ - (invalid argument)
}
