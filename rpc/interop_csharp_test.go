package rpc_test

import (
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// TestCSharpClient runs the client that docs/interop.md shows. It writes and reads what
// StreamJsonRpc's default handler does.
func TestCSharpClient(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/client.cs", ipctest.PeerTest{Name: "calls", Run: testCSharpClient})
}

func testCSharpClient(t *testing.T, client ipctest.Program) {
	name := ipctest.UniqueName()
	l := must(pipe.Listen(name, nil))
	s := must(rpc.NewServer(nil))
	if err := s.Register("Calc", newCalc()); err != nil {
		t.Fatal(err)
	}
	echo := func(text string) string { return text }
	if err := s.RegisterFunc("echo", echo); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() { s.Shutdown(background); <-served }()

	p := ipctest.StartCommand(t, client(name))
	for call, want := range map[string]string{
		"Calc.Add [1,2]":          `"result":3`,
		"echo [\"grüße, 안녕\"]":    `"result":"grüße, 안녕"`,
		"echo [1]":                `"code":-32602`,
		"Calc.Nothing []":         `"code":-32601`,
		"nothing {\"by\":\"it\"}": `"code":-32601`,
	} {
		p.Say(call)
		if answer := p.Hear(); !strings.Contains(answer, want) {
			t.Errorf("%s: %s, want %s", call, answer, want)
		}
	}
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
}
