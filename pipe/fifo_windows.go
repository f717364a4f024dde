package pipe

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

var errNoFIFOs = fail.Errorf("there are no FIFOs on Windows; use a named pipe%s (%w)", fail.Go(", with Listen and Dial"), errors.ErrUnsupported)

func makeFIFO(string, access.Rule) error { return errNoFIFOs }

func removeFIFO(string) error { return errNoFIFOs }

func listFIFOs(string) ([]FIFOInfo, error) { return nil, errNoFIFOs }

func statFIFO(string) (FIFOInfo, error) { return FIFOInfo{}, errNoFIFOs }

func (f *FIFO) open(context.Context, access.Rule, bool) error { return errNoFIFOs }
