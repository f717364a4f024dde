package sys

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// pipeEnds returns the server's and the client's end of a new pipe.
func pipeEnds(t *testing.T, name string) (server, client windows.Handle) {
	t.Helper()
	server, err := CreatePipe(name, true, PipeOptions{Read: true, Write: true, BufferSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(server) })
	client, err = OpenPipe(`\\.\pipe\`+name, PipeRead|PipeWrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(client) })
	return server, client
}

func actsAsAnother() bool {
	var token windows.Token
	if windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY, true, &token) != nil {
		return false
	}
	token.Close()
	return true
}

// If a thread can't take its own rights back, no goroutine runs on it any more: not
// the one that asked for the client, and none that is started later.
func TestFailedRevertToSelf(t *testing.T) {
	server, _ := pipeEnds(t, "bw.failed-revert")
	broken := errors.New("broken")
	var stuck uint32 // thread that stays the client
	_, err := pipeClient(server, func() error {
		if !actsAsAnother() {
			t.Error("the client's token was not taken on")
		}
		stuck = windows.GetCurrentThreadId()
		return broken
	})
	if !errors.Is(err, ErrStillClient) || !errors.Is(err, broken) || !strings.Contains(err.Error(), "RevertToSelf") {
		t.Errorf("%v", err)
	}
	if actsAsAnother() {
		t.Error("the caller acts as the client")
	}
	acting := make(chan bool)
	for range 1000 {
		go func() { acting <- actsAsAnother() || windows.GetCurrentThreadId() == stuck }()
		if <-acting {
			t.Fatal("a later goroutine acts as the client")
		}
	}
	// The next client can still be asked for.
	if _, err := PipeClient(server); err != nil {
		t.Error(err)
	}
}

// Those that may serve under a pipe's name, by its access control list.
func TestPipeCreators(t *testing.T) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	me := user.User.Sid.String()
	own := "O:" + me + "D:P(A;;GA;;;" + me + ")"
	for sddl, want := range map[string]string{
		own:                                me,
		own + "(A;;GA;;;SY)(A;;GA;;;BA)":   me + " S-1-5-18 S-1-5-32-544",
		own + "(A;;0x12019b;;;WD)":         me, // what Listen grants
		own + "(A;;GR;;;WD)(A;;FR;;;BU)":   me,
		own + "(A;;GRGW;;;AU)":             me + " S-1-5-11",
		own + "(A;;FW;;;AU)":               me + " S-1-5-11",
		own + "(A;;FA;;;WD)":               me + " S-1-1-0",
		own + "(A;;0x4;;;BU)":              me + " S-1-5-32-545",
		own + "(A;;WD;;;BU)":               me + " S-1-5-32-545",
		own + "(A;;WO;;;BU)":               me + " S-1-5-32-545",
		own + "(A;;GA;;;CO)(A;;GA;;;OW)":   me,
		own + "(A;IO;GA;;;WD)(D;;GA;;;BG)": me,
		"O:" + me:                          "S-1-1-0", // no list at all
		"O:" + me + "D:P":                  "",
	} {
		sd, err := windows.SecurityDescriptorFromString(sddl)
		if err != nil {
			t.Errorf("%s: %v", sddl, err)
			continue
		}
		got, err := creators(sd)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v, want %q", sddl, got, err, want)
		}
	}
	open, err := windows.NewSecurityDescriptor()
	if err != nil {
		t.Fatal(err)
	}
	if err := open.SetDACL(nil, true, false); err != nil { // everything for everybody
		t.Fatal(err)
	}
	if got, err := creators(open); err != nil || len(got) != 1 || got[0] != "S-1-1-0" {
		t.Errorf("%q, %v", got, err)
	}
}

// An entry that can't be judged is no reason to trust.
func TestPipeCreatorsOfUnknownEntry(t *testing.T) {
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;GR;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	var ace *windows.ACCESS_ALLOWED_ACE
	if err := windows.GetAce(dacl, 0, &ace); err != nil {
		t.Fatal(err)
	}
	ace.Header.AceType = 5 // ACCESS_ALLOWED_OBJECT_ACE_TYPE
	if got, err := creators(sd); !errors.Is(err, os.ErrPermission) {
		t.Errorf("%q, %v", got, err)
	}
}
