package pipe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// stranger is a user that no machine has.
const stranger = "S-1-5-21-111111111-222222222-333333333-4444"

func userSID(t testing.TB) string {
	t.Helper()
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	return u.User.Sid.String()
}

func groupSID(t testing.TB) string {
	t.Helper()
	g, err := windows.GetCurrentProcessToken().GetTokenPrimaryGroup()
	if err != nil {
		t.Fatal(err)
	}
	return g.PrimaryGroup.String()
}

// descriptor reads the security descriptor of the pipe that c is an end of.
func descriptor(t testing.TB, c *Conn) (sd *windows.SECURITY_DESCRIPTOR) {
	t.Helper()
	err := c.s.f.Control(func(h windows.Handle) (err error) {
		const what = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
		sd, err = windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, what)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

// rights returns what the descriptor allows each SID.
func rights(t testing.TB, sd *windows.SECURITY_DESCRIPTOR) map[string]windows.ACCESS_MASK {
	t.Helper()
	dacl, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]windows.ACCESS_MASK{}
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			t.Fatal(err)
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE {
			t.Fatalf("entry %d is of type %d", i, ace.Header.AceType)
		}
		got[(*windows.SID)(unsafe.Pointer(&ace.SidStart)).String()] |= ace.Mask
	}
	return got
}

func TestDescriptor(t *testing.T) {
	const everything = 0x1f01ff // FILE_ALL_ACCESS
	const system, administrators, everybody = "S-1-5-18", "S-1-5-32-544", "S-1-1-0"
	own := map[string]windows.ACCESS_MASK{userSID(t): everything, system: everything, administrators: everything}
	for _, test := range []struct {
		cfg    *Config
		others []string
	}{
		{nil, nil},
		{&Config{Allow: []string{stranger}}, []string{stranger}},
		{&Config{Mode: 0o660}, []string{groupSID(t)}},
		{&Config{Mode: 0o606}, []string{everybody}},
	} {
		client, server, err := connected(t, test.cfg, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		sd := descriptor(t, client)
		if owner, _, err := sd.Owner(); err != nil || owner.String() != userSID(t) {
			t.Errorf("%+v: the owner is %v, %v", test.cfg, owner, err)
		}
		if control, _, err := sd.Control(); err != nil || control&windows.SE_DACL_PROTECTED == 0 && !ipctest.UnderWine() {
			t.Errorf("%+v: control %#x, %v", test.cfg, control, err)
		}
		got := rights(t, sd)
		for sid, want := range own {
			// Wine stores generic rights as they were given.
			if got[sid] != want && got[sid] != windows.GENERIC_ALL {
				t.Errorf("%+v: %s has %#x, want %#x", test.cfg, sid, got[sid], want)
			}
			delete(got, sid)
		}
		for _, sid := range test.others {
			const want = windows.FILE_READ_DATA | windows.FILE_WRITE_DATA | windows.FILE_READ_ATTRIBUTES | windows.READ_CONTROL | windows.SYNCHRONIZE
			const createInstance = windows.FILE_APPEND_DATA
			const change = windows.WRITE_DAC | windows.WRITE_OWNER | windows.DELETE
			if m := got[sid]; m&want != want || m&(createInstance|change) != 0 {
				t.Errorf("%+v: %s has %#x", test.cfg, sid, m)
			}
			delete(got, sid)
		}
		if len(got) > 0 {
			t.Errorf("%+v: others have %v", test.cfg, got)
		}
		client.Close()
		server.Close()
	}
}

func TestSDDL(t *testing.T) {
	sddl := "O:" + userSID(t) + "D:P(A;;FA;;;" + userSID(t) + ")(A;;FR;;;BU)"
	client, server, err := connected(t, nil, &Config{SDDL: sddl})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	got := rights(t, descriptor(t, client))
	if len(got) != 2 || got["S-1-5-32-545"] != windows.FILE_GENERIC_READ {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"nonsense", "D:(A;;GA;;;NOBODY)"} {
		if _, err := Listen(ipctest.UniqueName(), &Config{SDDL: bad}); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// Not even by a SID does text of the caller's get into a descriptor.
	if _, err := Listen(ipctest.UniqueName(), &Config{Allow: []string{"S-1-1-0)(A;;GA;;;WD"}}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}

// The kernel can't be made to let a stranger in here, so the decision alone is
// put to the test.
func TestAdmitClient(t *testing.T) {
	foreign := breezeway.Peer{PID: 1, UID: -1, GID: -1, SID: stranger, GroupSIDs: []string{"S-1-5-32-545"}}
	for _, test := range []struct {
		cfg   *Config
		admit bool
	}{
		{nil, false},
		{&Config{Allow: []string{stranger}}, true},
		{&Config{Allow: []string{"S-1-5-32-545"}}, true}, // a group
		{&Config{Mode: 0o666}, true},
		{&Config{SDDL: "O:" + userSID(t) + "D:P(A;;FA;;;" + userSID(t) + ")(A;;0x12019b;;;WD)"}, true}, // the kernel alone decides
	} {
		name := ipctest.UniqueName()
		l := mustListen(t, name, test.cfg)
		client := mustDial(t, name, nil)
		server := mustAccept(t, l)
		err := l.l.admit(server.s, foreign)
		if test.admit && err != nil {
			t.Errorf("%+v: %v", test.cfg, err)
		}
		if !test.admit && (!errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), stranger)) {
			t.Errorf("%+v: %v", test.cfg, err)
		}
		if err := l.l.admit(server.s, server.Peer()); err != nil {
			t.Errorf("%+v: %v", test.cfg, err)
		}
		// A client without a user is admitted only if the system says that the
		// client withholds it: the system knew, and decided by our descriptor.
		unknown := breezeway.Peer{PID: 1, UID: -1, GID: -1}
		if err := l.l.admit(server.s, unknown); test.cfg == nil && !errors.Is(err, os.ErrPermission) {
			t.Errorf("a client without a user: %v", err)
		}
		server.s.userUnknown = true
		if err := l.l.admit(server.s, unknown); err != nil {
			t.Errorf("%+v, userUnknown: %v", test.cfg, err)
		}
		client.Close()
		server.Close()
		l.Close()
	}
}

// A pipe that belongs to another user is a trap.
func TestStrangersServer(t *testing.T) {
	name := ipctest.UniqueName()
	l, err := Listen(name, &Config{SDDL: "O:" + stranger + "D:P(A;;FA;;;" + userSID(t) + ")(A;;0x12019b;;;WD)"})
	if errors.Is(err, windows.ERROR_INVALID_OWNER) {
		t.Skip("on this system no process can make an object that belongs to another user")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Dial(context.Background(), name, nil)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), stranger) {
		t.Errorf("%v", err)
	}
	t.Log(err)
	mustAccept(t, l) // what is left of that
	if _, err := Dial(context.Background(), name, &Config{Allow: []string{stranger}, Mode: 0o666}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Allow and Mode are for clients: %v", err)
	}
	mustAccept(t, l)
	c := mustDial(t, name, &Config{Trust: []string{stranger}})
	if c.Peer().SID != stranger {
		t.Errorf("%v", c.Peer())
	}
}

// A pipe of ours whose list lets another user serve at it too is a trap as well.
func TestDialRefusesPipesThatOthersCanServe(t *testing.T) {
	own := "O:" + userSID(t) + "D:P(A;;FA;;;" + userSID(t) + ")"
	for _, test := range []struct {
		sddl  string
		trust []string
		meets bool
	}{
		{own, nil, true},
		{own + "(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;" + stranger + ")", nil, true},
		{own + "(A;;GRGW;;;" + stranger + ")", nil, false}, // common, and more than it seems
		{own + "(A;;FA;;;" + stranger + ")", nil, false},
		{own + "(A;;WD;;;" + stranger + ")", nil, false}, // WRITE_DAC
		{own + "(A;;FA;;;" + stranger + ")", []string{stranger}, true},
	} {
		name := ipctest.UniqueName()
		l := mustListen(t, name, &Config{SDDL: test.sddl})
		for verb, dial := range map[string]func(context.Context, string, *Config) (*Conn, error){"Dial": Dial, "DialWait": DialWait} {
			c, err := dial(context.Background(), name, &Config{Trust: test.trust})
			mustAccept(t, l).Close()
			if test.meets {
				if err != nil {
					t.Errorf("%s, %s: %v", verb, test.sddl, err)
					continue
				}
				c.Close()
				continue
			}
			ipctest.WantError(t, err, os.ErrPermission, stranger, "FILE_CREATE_PIPE_INSTANCE", "Config.Trust")
		}
		l.Close()
	}
}

// What Listen grants other users is no right to serve, whatever the rule.
func TestListenGrantsNoRightToServe(t *testing.T) {
	for _, cfg := range []*Config{nil, {Allow: []string{stranger}}, {Mode: 0o660}, {Mode: 0o666}} {
		name := ipctest.UniqueName()
		l := mustListen(t, name, cfg)
		mustDial(t, name, nil)
		mustAccept(t, l)
		l.Close()
	}
}

// A listener that may still have a client's rights serves no further client.
func TestFailedRevertToSelfEndsTheListener(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	broken := errors.New("broken")
	l.l.identify = func(windows.Handle) (breezeway.Peer, error) {
		return breezeway.Peer{}, fmt.Errorf("%w (%w)", sys.ErrStillClient, broken)
	}
	c := mustDial(t, name, nil)
	for range 3 {
		_, err := l.Accept()
		ipctest.WantError(t, err, broken, "the listener has ended")
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the client read %d bytes, %v", n, err)
	}
	c.Close()
	if _, err := Dial(context.Background(), name, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Dial: %v", err)
	}
	again, err := Listen(name, nil)
	if err != nil {
		t.Fatalf("the name was not given up: %v", err)
	}
	again.Close()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// The same for what a server does as its client: it serves nothing more on the
// connection.
func TestFailedRevertToSelfClosesTheConn(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	broken := errors.New("broken")
	failed := make(chan error)
	go func() { // ends with its thread
		failed <- server.s.impersonateUntil(func() error { return nil }, func() error { return broken })
	}()
	if err := <-failed; !errors.Is(err, broken) || !errors.Is(err, sys.ErrStillClient) {
		t.Error(err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestPeer(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	c := mustDial(t, name, nil)
	peer := c.Peer()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if peer.PID != server.Process.Pid || peer.UID != -1 || peer.GID != -1 || peer.SID != userSID(t) || !strings.EqualFold(peer.Executable, exe) {
		t.Errorf("the server is %+v", peer)
	}

	client, accepted, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer accepted.Close()
	peer = accepted.Peer()
	const everybody = "S-1-1-0"
	if peer.PID != os.Getpid() || peer.UID != -1 || peer.GID != -1 || peer.SID != userSID(t) ||
		!slices.Contains(peer.GroupSIDs, everybody) || !strings.EqualFold(peer.Executable, exe) {
		t.Errorf("the client is %+v", peer)
	}
}

// rawClient opens the pipe as other programs do.
func rawClient(t testing.TB, name string, flags uint32) windows.Handle {
	t.Helper()
	path, err := windows.UTF16PtrFromString(thisMachine + name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Clients that don't let themselves be identified, or not before they have
// written something, pass by the kernel's check alone.
func TestClientWithoutIdentity(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	for what, flags := range map[string]uint32{
		"default":   0,
		"dynamic":   windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION | windows.SECURITY_CONTEXT_TRACKING,
		"anonymous": windows.SECURITY_SQOS_PRESENT | windows.SECURITY_ANONYMOUS,
	} {
		h := rawClient(t, name, flags)
		c := mustAccept(t, l)
		peer := c.Peer()
		if peer.PID != os.Getpid() || peer.SID != "" && peer.SID != userSID(t) {
			t.Errorf("%s: %+v", what, peer)
		}
		t.Logf("%s: SID %q", what, peer.SID)
		windows.CloseHandle(h)
		c.Close()
	}
}

// impersonating returns the level at which this thread acts as another user.
func impersonating() (level uint32, user string, err error) {
	var token windows.Token
	if err := windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY, true, &token); err != nil {
		return 0, "", err
	}
	defer token.Close()
	var n uint32
	err = windows.GetTokenInformation(token, windows.TokenImpersonationLevel, (*byte)(unsafe.Pointer(&level)), 4, &n)
	if err != nil {
		return 0, "", err
	}
	u, err := token.GetTokenUser()
	if err != nil {
		return 0, "", err
	}
	return level, u.User.Sid.String(), nil
}

func TestImpersonate(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()

	runtime.LockOSThread() // to look at the same thread afterwards
	defer runtime.UnlockOSThread()
	outcome := errors.New("outcome")
	err = server.Impersonate(func() error {
		level, user, err := impersonating()
		if err != nil || user != userSID(t) {
			t.Errorf("acts as %q, %v", user, err)
		}
		if level != windows.SecurityIdentification {
			if !ipctest.UnderWine() {
				t.Errorf("the client allowed level %d", level)
			}
			t.Logf("level %d: Wine knows no other", level)
		}
		return outcome
	})
	if !errors.Is(err, outcome) {
		t.Error(err)
	}
	if _, _, err := impersonating(); !errors.Is(err, windows.ERROR_NO_TOKEN) {
		t.Errorf("afterwards: %v", err)
	}

	// The function may close the connection, and may panic.
	func() {
		defer func() { recover() }()
		server.Impersonate(func() error { server.Close(); panic("as the client") })
	}()
	if _, _, err := impersonating(); !errors.Is(err, windows.ERROR_NO_TOKEN) {
		t.Errorf("after a panic: %v", err)
	}

	called := false
	for what, c := range map[string]*Conn{"client's end": client, "closed": server} {
		err := c.Impersonate(func() error { called = true; return nil })
		if err == nil || called {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := client.Impersonate(nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestSessions(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	for _, c := range []*Conn{client, server} {
		if err := c.s.sameSession(); err != nil {
			t.Error(err)
		}
	}
	// There is one session here, so another's refusal is put to the test alone.
	err = sessionsMeet(0, 1)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "breezeway.Machine") {
		t.Error(err)
	}
}
