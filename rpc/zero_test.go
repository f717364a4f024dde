package rpc_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, &rpc.Client{}, &rpc.Server{}, &rpc.Object{}, &rpc.Incoming{})
	ipctest.WantError(t, rpc.Bind(&struct{}{}, nil), os.ErrInvalid)
	_, err := rpc.Call[int](background, nil, "Add")
	ipctest.WantError(t, err, os.ErrInvalid)
}

// exploding is a result whose encoding panics.
type exploding struct{}

func (exploding) MarshalJSON() ([]byte, error) { panic("secret") }

type bombs struct{}

func (bombs) Bomb() exploding  { return exploding{} }
func (bombs) Add(a, b int) int { return a + b }

func TestResultThatPanics(t *testing.T) {
	c := inProcess(t, bombs{}, nil, nil)
	_, err := rpc.Call[json.RawMessage](background, c.Object("Calc"), "Bomb")
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != rpc.CodeInternal {
		t.Errorf("%v", err)
	}
	n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
}
