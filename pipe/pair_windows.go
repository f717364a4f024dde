package pipe

import (
	"errors"
	"fmt"
	"os"
)

var errNoPair = fmt.Errorf("connections without a name are for Unix; connect a child with Start (%w)", errors.ErrUnsupported)

func makePair(*settings) (*Conn, *os.File, error) { return nil, nil, errNoPair }

func fromFile(f *os.File, _ *settings) (*Conn, error) {
	f.Close()
	return nil, errNoPair
}
