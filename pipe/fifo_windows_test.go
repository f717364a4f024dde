package pipe

import (
	"context"
	"errors"
	"testing"
)

func TestNoFIFOs(t *testing.T) {
	path := t.TempDir() + `\fifo`
	_, open := OpenFIFO(context.Background(), path, In, nil)
	for what, err := range map[string]error{"make": MakeFIFO(path, nil), "open": open, "remove": RemoveFIFO(path)} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
