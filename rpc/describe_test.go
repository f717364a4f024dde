package rpc_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// Types that contain themselves, each in another way.
type (
	forest map[string]forest
	list   []list
	chain  *[]chain
	pair   [2]*pair
	node   struct {
		Left, Right *node
		Others      map[string][]node
	}
	first  struct{ A, B second }
	second struct{ A, B []third }
	third  struct{ A, B map[string]first }
)

type recursive struct{}

func (recursive) Tree() forest      { return nil }
func (recursive) List(list)         {}
func (recursive) Chain(chain) chain { return nil }
func (recursive) Pair(*pair)        {}
func (recursive) Node(node) node    { return node{} }
func (recursive) First(first)       {}

func TestDescribeRecursiveTypes(t *testing.T) {
	c := inProcess(t, recursive{}, nil, nil)
	objects, err := c.Describe(background)
	if err != nil || len(objects) != 1 || len(objects[0].Methods) != 6 {
		t.Fatalf("%+v, %v", objects, err)
	}
	text, err := json.Marshal(objects[0].Methods[5])
	expect(t, string(text), err, `{"name":"Tree","params":[],"result":{"type":"object","additionalProperties":{"type":"object"}}}`)
}

// Fields that multiply at each level.
type (
	wide0 struct{ A, B, C, D, E, F, G, H wide1 }
	wide1 struct{ A, B, C, D, E, F, G, H wide2 }
	wide2 struct{ A, B, C, D, E, F, G, H wide3 }
	wide3 struct{ A, B, C, D, E, F, G, H wide4 }
	wide4 struct{ A, B, C, D, E, F, G, H int }
)

func TestDescriptionIsBounded(t *testing.T) {
	s := must(rpc.NewServer(nil))
	if err := s.RegisterFunc("wide", func(wide0) {}); err != nil {
		t.Fatal(err)
	}
	objects, err := must(rpc.NewClient(background, served(t, s), nil)).Describe(background)
	text, _ := json.Marshal(objects)
	if err != nil || len(text) > 30_000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

type endless *endless

func TestPointersWithoutEndAreRefused(t *testing.T) {
	s := must(rpc.NewServer(nil))
	for _, f := range []any{func(endless) {}, func() endless { return nil }, func(struct{ E []endless }) {}} {
		ipctest.WantError(t, s.RegisterFunc("f", f), os.ErrInvalid, "points to itself")
	}
}
