package rpc_test

import (
	"context"
	"encoding/json"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

func TestBind(t *testing.T) {
	var stub struct {
		Add    func(ctx context.Context, a, b int) (int, error)
		Total  func(ctx context.Context, x ...int) (int, error) `rpc:"Sum,idempotent"`
		Fail   func(ctx context.Context) error
		Count  func(ctx context.Context, to int) iter.Seq2[int, error]
		Write  func(ctx context.Context, text string) error `rpc:"Note,notify"`
		Notes  func(ctx context.Context) ([]string, error)
		Other  int
		hidden func()
	}
	c, _ := connect(t)
	if err := rpc.Bind(&stub, c.Object("Calc")); err != nil {
		t.Fatal(err)
	}
	n, err := stub.Add(background, 1, 2)
	expect(t, n, err, 3)
	n, err = stub.Total(background, 1, 2, 3, 4)
	expect(t, n, err, 10)
	if err := stub.Fail(background); err == nil {
		t.Error("Fail did not")
	}
	next := 0
	for i, err := range stub.Count(background, 10) {
		expect(t, i, err, next)
		if next++; next == 7 {
			break
		}
	}
	if err := stub.Write(background, "x"); err != nil {
		t.Fatal(err)
	}
	for notes := []string(nil); len(notes) == 0; { // a call doesn't wait for a notification
		if notes, err = stub.Notes(background); err != nil {
			t.Fatal(err)
		}
	}
	_ = stub.hidden
}

func TestBindRefuses(t *testing.T) {
	c := inProcess(t, newCalc(), nil, nil)
	for _, stub := range []any{
		nil, 7, struct{}{}, (*struct{})(nil),
		&struct{ F func() error }{},
		&struct{ F func(context.Context) }{},
		&struct{ F func(context.Context) int }{},
		&struct {
			F func(context.Context) (int, error) `rpc:",notify"`
		}{},
		&struct {
			F func(context.Context) error `rpc:",often"`
		}{},
	} {
		ipctest.WantError(t, rpc.Bind(stub, c.Object("Calc")), os.ErrInvalid)
	}
}

type tree struct {
	Name     string           `json:"name"`
	Children []*tree          `json:"children"`
	Born     time.Time        `json:"born"`
	Raw      []byte           `json:"raw"`
	Notes    map[string]int64 `json:"notes"`
	Any      any              `json:"any"`
}

type described struct{}

func (described) Grow(t tree, by float64, names ...string) (*tree, error) { return &t, nil }
func (described) Watch(context.Context) iter.Seq[bool]                    { return nil }
func (described) Unfit(chan int)                                          {}

func TestDescribe(t *testing.T) {
	c := inProcess(t, described{}, nil, nil)
	objects, err := c.Describe(background)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(objects)
	const treeSchema = `{"type":"object","properties":{"any":{},"born":{"type":"string","format":"date-time"},` +
		`"children":{"type":"array","items":{"type":"object"}},"name":{"type":"string"},` +
		`"notes":{"type":"object","additionalProperties":{"type":"integer"}},"raw":{"type":"string","format":"base64"}}}`
	const want = `[{"name":"Calc","methods":[` +
		`{"name":"Grow","params":[` + treeSchema + `,{"type":"number"},{"type":"array","items":{"type":"string"}}],"variadic":true,"result":` + treeSchema + `},` +
		`{"name":"Watch","params":[],"result":{"type":"boolean"},"stream":true}]}]`
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestRegisterRefuses(t *testing.T) {
	s := must(rpc.NewServer(nil))
	if err := s.Register("Calc", newCalc()); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, s.Register("Calc", newCalc()), os.ErrExist, "is registered already")
	ipctest.WantError(t, s.Register("None", struct{}{}), os.ErrInvalid, "has no method")
	ipctest.WantError(t, s.Register("None", nil), os.ErrInvalid)
	for _, name := range []string{"", "rpc.x", "rpc", "$/x", "a b", "a\"b"} {
		ipctest.WantError(t, s.Register(name, newCalc()), os.ErrInvalid)
	}
	for _, name := range []string{"a/b", "/Calc", "pipe://app/Calc", "Calc#1", "Calc?x"} {
		ipctest.WantError(t, s.Register(name, newCalc()), os.ErrInvalid, "an object's name has letters, digits")
	}
	ipctest.WantError(t, s.RegisterFunc("pipe://app/Add", func() {}), os.ErrInvalid, "is a URL")
	ipctest.WantError(t, s.RegisterFunc("f", 7), os.ErrInvalid, "is no function")
	ipctest.WantError(t, s.RegisterFunc("f", func() (int, int) { return 0, 0 }), os.ErrInvalid, "more than a result")
	if _, err := rpc.NewServer(&rpc.Config{MaxCalls: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
}

// A function has a name of its own, as methods have in other languages' servers.
func TestFunction(t *testing.T) {
	there := serveFunctions(t)
	c, err := rpc.NewClient(background, there, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := rpc.Call[int](background, c.Object(""), "math/double", 21)
	expect(t, n, err, 42)
}
