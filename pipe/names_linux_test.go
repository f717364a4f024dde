package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// strangerLink makes the symbolic link Args[1], which leads to Args[0].
var strangerLink = ipctest.Helper("stranger's link", func(c *ipctest.Control) error {
	return os.Symlink(c.Args[0], c.Args[1])
})

// strangerSquatter listens at Args[0], lets every user connect, and accepts none.
var strangerSquatter = ipctest.Helper("stranger's squatter", func(c *ipctest.Control) error {
	_, err := rawServer(c.Args[0], 0o777)
	if err != nil {
		return err
	}
	for {
		_, err := rawConnect(c.Args[0])
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return err
		}
	}
	c.AtEnd(func() { os.Remove(c.Args[0]) })
	c.Say("full")
	c.Hear()
	return nil
})

// slowServer makes the socket Args[0], changes its rights time and again, lets all users
// in, listens, and greets one client.
var slowServer = ipctest.Helper("slow server", func(c *ipctest.Control) error {
	old := unix.Umask(0o177)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: c.Args[0]})
	}
	unix.Umask(old)
	if err != nil {
		return err
	}
	c.AtEnd(func() { os.Remove(c.Args[0]) })
	for range 50 {
		time.Sleep(time.Millisecond)
		if err := os.Chmod(c.Args[0], 0o600); err != nil {
			return err
		}
	}
	if err := os.Chmod(c.Args[0], 0o666); err != nil {
		return err
	}
	if err := unix.Listen(fd, 1); err != nil {
		return err
	}
	conn, _, err := unix.Accept(fd)
	if err != nil {
		return err
	}
	unix.Write(conn, []byte("greetings\n"))
	unix.Close(conn)
	c.Hear()
	return nil
})

// strangerWaiter waits for a server at Args[0] as often as it is told to, and says what
// came of it.
var strangerWaiter = ipctest.Helper("stranger's waiter", func(c *ipctest.Control) error {
	for {
		c.Hear()
		c.Say("waiting")
		ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
		start := time.Now()
		conn, err := DialWait(ctx, c.Args[0], nil)
		cancel()
		if err != nil {
			c.Say("EACCES %v, soon %v: %v", errors.Is(err, unix.EACCES), time.Since(start) < 500*time.Millisecond, err)
			continue
		}
		text, _ := io.ReadAll(conn)
		conn.Close()
		c.Say("connected, read %q", text)
	}
})

func rawServer(path string, mode uint32) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return 0, err
	}
	if err := unix.Chmod(path, mode); err != nil {
		return 0, err
	}
	return fd, unix.Listen(fd, 0)
}

func rawConnect(path string) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0); err != nil {
		return 0, err
	}
	return fd, unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}

// Another user's link leads to a service of ours that the path doesn't mean.
func TestLinkOfAnotherUser(t *testing.T) {
	s := findStrangers(t)
	dir := meetingPlace(t, 0o777|fs.ModeSticky)
	private := meetingPlace(t, 0o755)
	other := listenFor(t, filepath.Join(private, "s"), nil)
	fifo := filepath.Join(private, "f")
	if err := MakeFIFO(fifo, nil); err != nil {
		t.Fatal(err)
	}
	defer RemoveFIFO(fifo)
	for from, to := range map[string]string{"d": private, "s": other.Addr().String()} {
		if err := s.start(t, s.nobody(), strangerLink, to, filepath.Join(dir, from)).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	uid := fmt.Sprint("uid ", s.uid)
	for _, path := range []string{"s", "d/s"} {
		path = filepath.Join(dir, path)
		_, err := Dial(patient(t), path, nil)
		ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
		_, err = DialWait(patient(t), path, nil)
		ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
	}
	_, err := Listen(filepath.Join(dir, "d", "new"), nil)
	ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
	_, err = OpenFIFO(patient(t), filepath.Join(dir, "d", "f"), In, &FIFOConfig{KeepOpen: true})
	ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
	err = MakeFIFO(filepath.Join(dir, "d", "new"), nil)
	ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
	err = RemoveFIFO(filepath.Join(dir, "d", "f"))
	ipctest.WantError(t, err, os.ErrPermission, "symbolic link", uid)
}

// A link of our own, where no other user can replace it, is as good as the path.
func TestLinkOfOurOwn(t *testing.T) {
	dir := shortDir(t)
	link := dir + "/link"
	if err := os.Symlink(".", link); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(link)
	l := listenFor(t, link+"/s", nil)
	defer l.Close()
	mustDial(t, link+"/s", nil)
	fifo := link + "/f"
	if err := MakeFIFO(fifo, nil); err != nil {
		t.Fatal(err)
	}
	defer RemoveFIFO(fifo)
	f, err := OpenFIFO(patient(t), fifo, In, &FIFOConfig{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// The server can't be asked which user it is until it accepts.
func TestDialOfASquatterThatAcceptsNone(t *testing.T) {
	s := findStrangers(t)
	path := filepath.Join(meetingPlace(t, 0o777|fs.ModeSticky), "s")
	s.start(t, s.nobody(), strangerSquatter, path).Expect("full")
	for _, dial := range []func(context.Context, string, *Config) (*Conn, error){Dial, DialWait} {
		_, err := dial(patient(t), path, nil)
		ipctest.WantError(t, err, os.ErrPermission, fmt.Sprint("user ", s.uid), "Config.Trust")
	}
	// One that is trusted is waited for.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, path, &Config{Trust: []string{fmt.Sprint(s.uid)}})
	ipctest.WantError(t, err, context.DeadlineExceeded)
}

func TestDialWaitOfAServerThatIsSettingItsRights(t *testing.T) {
	s := findStrangers(t)
	path := filepath.Join(meetingPlace(t, 0o755), "s")
	client := s.start(t, s.nobody(), strangerWaiter, path)
	client.Say("go")
	client.Expect("waiting")
	ipctest.Start(t, slowServer, path)
	client.Expect(`connected, read "greetings\n"`)
}

func TestDialWaitOfAnAdmittedUser(t *testing.T) {
	s := findStrangers(t)
	path := filepath.Join(meetingPlace(t, 0o755), "s")
	client := s.start(t, s.nobody(), strangerWaiter, path)
	for range ipctest.Count(5_000) {
		client.Say("go")
		client.Expect("waiting")
		old := syscall.Umask(0o077)
		l, err := Listen(path, &Config{Mode: 0o666})
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- greet(l) }()
		client.Expect(`connected, read "greetings\n"`)
		l.Close()
		<-served
	}
}

// A server that refuses a client for a second refuses it for good.
func TestDialWaitOfAServerThatRefuses(t *testing.T) {
	s := findStrangers(t)
	path := filepath.Join(meetingPlace(t, 0o755), "s")
	listenFor(t, path, nil)
	client := s.start(t, s.nobody(), strangerWaiter, path)
	client.Say("go")
	client.Expect("waiting")
	expectPrefix(t, client, "EACCES true")
	client.Say("go")
	client.Expect("waiting")
	expectPrefix(t, client, "EACCES true, soon true")
}

// Whatever ends a wait, the caller hears its own cause.
func TestDialKeepsTheCause(t *testing.T) {
	busy := filepath.Join(shortDir(t), "s")
	fd, err := rawServer(busy, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(busy)
	defer unix.Close(fd)
	first, err := rawConnect(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)
	cause := errors.New("patience is over")
	for i := range 300 {
		for what, dial := range map[string]func(context.Context) (*Conn, error){
			"Dial, busy":       func(ctx context.Context) (*Conn, error) { return Dial(ctx, busy, nil) },
			"DialWait, busy":   func(ctx context.Context) (*Conn, error) { return DialWait(ctx, busy, nil) },
			"DialWait, absent": func(ctx context.Context) (*Conn, error) { return DialWait(ctx, busy+"2", nil) },
		} {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(i%30)*100*time.Microsecond, cause)
			c, err := dial(ctx)
			cancel()
			if c != nil || !errors.Is(err, cause) {
				t.Fatalf("%s: %v, %v, want the cause of the context's end", what, c, err)
			}
		}
	}
}

// inotifyInstances counts those that this process has open.
func inotifyInstances(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}

// A user has 128 inotify instances, for all of its processes.
func TestTwoHundredDialWaits(t *testing.T) {
	const clients = 200
	path := filepath.Join(shortDir(t), "s")
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			c, err := DialWait(patient(t), path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	}
	if err := ipctest.AwaitAsleep("watch.(*Name).Wait", clients); err != nil {
		t.Error(err)
	}
	if n := inotifyInstances(t); n != 1 {
		t.Errorf("%d inotify instances, want 1", n)
	}
	l := listenFor(t, path, nil)
	for range clients {
		mustAccept(t, l).Close()
	}
	all.Wait()
	l.Close()
}

func TestDialWaitOfAServerThatIsUp(t *testing.T) {
	l := listenFor(t, ipctest.UniqueName(), nil)
	before := inotifyInstances(t)
	c, err := DialWait(patient(t), l.name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := inotifyInstances(t); n > before {
		t.Errorf("%d inotify instances, %d before: it watched before it dialled", n, before)
	}
}

func TestDialSaysWhereItLooked(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := Dial(t.Context(), name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, filepath.Clean(os.TempDir()), "TMPDIR", "PrivateTmp")
	leaveStale(t, name)
	_, err = Dial(t.Context(), name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, filepath.Clean(os.TempDir()), "TMPDIR", "PrivateTmp")
	mustListen(t, name, nil).Close()

	_, err = Dial(t.Context(), filepath.Join(shortDir(t), "s"), nil)
	ipctest.WantError(t, err, os.ErrNotExist, "DialWait")
	if strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("%v, though the path doesn't depend on TMPDIR", err)
	}
}

func TestDialWaitOfWhatIsNoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := DialWait(patient(t), path, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, path)
}

func TestTakeoverIsLoggedAndCounted(t *testing.T) {
	name := ipctest.UniqueName()
	var log bytes.Buffer
	cfg := &Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for _, stale := range []bool{false, true} {
		if stale {
			leaveStale(t, name)
		}
		l := listenFor(t, name, cfg)
		l.Close()
		if got := l.Stats().TookOver; got != stale {
			t.Errorf("stale %v: Stats().TookOver is %v", stale, got)
		}
		if got := strings.Contains(log.String(), "took over"); got != stale {
			t.Errorf("stale %v: logged %q", stale, log.String())
		}
	}
}
