package main

import (
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A member that is stopped is put out, and learns it when it goes on.
func TestStoppedMemberTimesOut(t *testing.T) {
	t.Parallel()
	room := ipctest.UniqueName()
	server := serving(t, room, "-timeout", timeout())
	ada := joining(t, server, room, "ada")
	bob := joining(t, server, room, "bob")
	ada.Expect("* bob has joined")
	goOn := ipctest.Stop(t, bob.Process.Pid)
	ada.Expect("* bob timed out")
	goOn()
	wantExit(t, bob, exitError, reasonSilent.Error())
}

// Ctrl-C ends a member also if the server doesn't answer.
func TestInterruptWithoutAServer(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	goOn := ipctest.Stop(t, server.Process.Pid)
	began := time.Now()
	interrupt(t, ada)
	wantExit(t, ada, exitError, "the server has not taken leave")
	ipctest.WantSince(t, began, defaultTimeout/2)
	goOn()
}

// A server that is stopped is left by its members.
func TestStoppedServer(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room, "-timeout", "200ms")
	ada := joining(t, server, room, "ada")
	goOn := ipctest.Stop(t, server.Process.Pid)
	wantExit(t, ada, exitError, "the server has said nothing for 400ms")
	goOn()
}
