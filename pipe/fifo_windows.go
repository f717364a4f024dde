package pipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/internal/access"
)

var errNoFIFOs = fmt.Errorf("there are no FIFOs on Windows; use a named pipe, with Listen and Dial (%w)", errors.ErrUnsupported)

func makeFIFO(string, access.Rule) error { return errNoFIFOs }

func removeFIFO(string) error { return errNoFIFOs }

func (f *FIFO) open(context.Context, access.Rule, bool) error { return errNoFIFOs }
