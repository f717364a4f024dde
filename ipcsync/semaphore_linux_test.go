package ipcsync

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

func semaphoreBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(semaphorePath(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rawSemaphore is the bytes of one, written out.
func rawSemaphore(value, waiters, shared, mark, limit uint32) []byte {
	b := make([]byte, 32)
	for i, v := range []uint32{value, waiters, shared, 0, mark, limit} {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return b
}

func TestSemaphoreLayout(t *testing.T) {
	s := newTestSemaphore(t, 5, nil)
	if got, want := semaphoreBytes(t, s.Name()), rawSemaphore(5, 0, 128, 0, 0); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	bounded := newTestSemaphore(t, 0, &Config{Max: 9})
	if got, want := semaphoreBytes(t, bounded.Name()), rawSemaphore(0, 0, 128, 0x786d5742, 9); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	for range 3 {
		go func() { result <- bounded.Acquire(ctx) }()
	}
	mustAwaitAcquiring(t, 3)
	// Of each process one announces itself.
	if got, want := semaphoreBytes(t, bounded.Name()), rawSemaphore(0, 1, 128, 0x786d5742, 9); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	if stats, err := bounded.Stats(); stats.Waiters != 1 || err != nil {
		t.Error(stats, err)
	}
	cancel()
	for range 3 {
		<-result
	}
	if got, want := semaphoreBytes(t, bounded.Name()), rawSemaphore(0, 0, 128, 0x786d5742, 9); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	defer syscall.Umask(syscall.Umask(0o077))
	for _, mode := range []fs.FileMode{0, 0o600, 0o660, 0o666} {
		info, err := os.Stat(semaphorePath(newTestSemaphore(t, 0, &Config{Mode: mode}).Name()))
		if want := max(mode, 0o600); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v, %v, want %v", info.Mode(), err, want)
		}
	}
}

// What is no semaphore, or can't be one of this machine's glibc, is refused and
// left alone.
func TestSemaphoreMismatch(t *testing.T) {
	const mark = 0x786d5742
	random := make([]byte, 32)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for what, content := range map[string][]byte{
		"empty":                    {},
		"of a 32-bit glibc":        rawSemaphore(1, 0, 0, 0, 0)[:16],
		"too short":                rawSemaphore(1, 0, 128, 0, 0)[:31],
		"too long":                 append(rawSemaphore(1, 0, 128, 0, 0), 0),
		"a page":                   make([]byte, 4096),
		"zeros":                    make([]byte, 32),
		"musl's":                   rawSemaphore(1, 0, 0, 0, 0),
		"impossibly many permits":  rawSemaphore(math.MaxInt32+1, 0, 128, 0, 0),
		"another mark":             rawSemaphore(1, 0, 128, mark+1, 5),
		"a mark without a maximum": rawSemaphore(1, 0, 128, mark, 0),
		"a maximum without a mark": rawSemaphore(1, 0, 128, 0, 5),
		"an impossible maximum":    rawSemaphore(1, 0, 128, mark, math.MaxInt32+1),
		"random":                   random,
	} {
		name := ipctest.UniqueName()
		if err := os.WriteFile(semaphorePath(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenSemaphore(name, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "sem open "+name)
		_, err = OpenOrCreateSemaphore(name, 1, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		_, err = CreateSemaphore(name, 1, nil)
		ipctest.WantError(t, err, os.ErrExist)
		if got := semaphoreBytes(t, name); !bytes.Equal(got, content) {
			t.Errorf("%s: it was changed to % x", what, got)
		}
		if err := Remove(KindSemaphore, name, nil); err != nil {
			t.Error(err)
		}
	}
	for what, put := range map[string]func(path string) error{
		"symbolic link": func(path string) error { return os.Symlink("/dev/null", path) },
		"FIFO":          func(path string) error { return unix.Mkfifo(path, 0o600) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		name := ipctest.UniqueName()
		if err := put(semaphorePath(name)); err != nil {
			t.Fatal(err)
		}
		_, err := OpenSemaphore(name, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, what)
		ipctest.WantError(t, Remove(KindSemaphore, name, nil), breezeway.ErrMismatch, what)
		if err := os.Remove(semaphorePath(name)); err != nil {
			t.Error(err)
		}
	}
}

// What is damaged under its users makes no operation panic or hang.
func TestSemaphoreDamaged(t *testing.T) {
	s := newTestSemaphore(t, 1, &Config{Max: 5})
	f, err := os.OpenFile(semaphorePath(s.Name()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put := func(b []byte) {
		t.Helper()
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
	}
	put(rawSemaphore(1<<31, 0, 128, 0, 0))
	_, err = s.Value()
	ipctest.WantError(t, err, breezeway.ErrMismatch, "2147483648 permits")
	_, err = s.Stats()
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	_, err = s.Release(1)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	// What it can hold is what it said at first.
	put(rawSemaphore(7, 0, 128, 0, 0))
	_, err = s.Release(1)
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	wantPermits(t, s, 7)
	for range ipctest.Count(20_000) {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		if rand.IntN(2) == 0 {
			binary.LittleEndian.PutUint32(b, rand.Uint32N(3))
		}
		put(b)
		s.Value()
		s.Stats()
		s.TryAcquire()
		s.Release(rand.IntN(4))
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(50))*time.Microsecond)
		s.Acquire(ctx)
		cancel()
	}
	// A waiter whose announcement was wiped out is not woken, but looks.
	put(rawSemaphore(0, math.MaxUint32, 128, 0, 0))
	result := make(chan error)
	go func() { result <- s.Acquire(context.Background()) }()
	mustAwaitAcquiring(t, 1)
	put(rawSemaphore(0, 0, 128, 0, 0))
	if _, err := s.Release(1); err != nil {
		t.Error(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	wantPermits(t, s, 0)
}

// Where others than this user may truncate the file that is an error.
func TestSemaphoreTruncated(t *testing.T) {
	s := newTestSemaphore(t, 0, &Config{Mode: 0o660})
	if s.direct != nil {
		t.Fatal("it has no protection")
	}
	results := make(chan error)
	const n = 3
	for range n {
		go func() { results <- s.Acquire(context.Background()) }()
	}
	mustAwaitAcquiring(t, n)
	if err := os.Truncate(semaphorePath(s.Name()), 0); err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := <-results; !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, unix.EFAULT) {
			t.Error(err)
		}
	}
	ipctest.WantError(t, s.Acquire(context.Background()), io.ErrUnexpectedEOF, "truncated")
	_, err := s.TryAcquire()
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
	_, err = s.Release(1)
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
	_, err = s.Value()
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
}

// A semaphore is used without protection only if no other user can truncate its
// file.
func TestSemaphoreProtection(t *testing.T) {
	direct := func(s *Semaphore) bool { return s.direct != nil }
	plain := newTestSemaphore(t, 0, nil)
	open := newTestSemaphore(t, 0, &Config{Mode: 0o660})
	named := newTestSemaphore(t, 0, &Config{Allow: []string{"12345"}})
	for what, c := range map[string]struct{ got, want bool }{
		"plain":                    {direct(plain), true},
		"plain, opened":            {direct(sameSemaphore(t, plain.Name(), nil)), true},
		"plain, opened for others": {direct(sameSemaphore(t, plain.Name(), &Config{Mode: 0o660})), false},
		"for a group":              {direct(open), false},
		"for a group, opened":      {direct(sameSemaphore(t, open.Name(), nil)), false},
		"for a user":               {direct(named), false},
		"for a user, opened":       {direct(sameSemaphore(t, named.Name(), nil)), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: direct is %v", what, c.got)
		}
	}
}

func TestSemaphoreAllocatesNothing(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.Acquire(ctx); err != nil {
			t.Error(err)
		}
		if _, err := s.Release(1); err != nil {
			t.Error(err)
		}
		if ok, err := s.TryAcquire(); !ok || err != nil {
			t.Error(ok, err)
		}
		if _, err := s.Release(1); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const countedPairs = 1000

// semaphorePairs acquires and releases the semaphore Args[0] between two system
// calls that mark the place.
var semaphorePairs = ipctest.Helper("semaphore pairs", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer s.Close()
	runtime.LockOSThread()
	unix.Getppid()
	for range countedPairs {
		if err := s.Acquire(context.Background()); err != nil {
			return err
		}
		if _, err := s.Release(1); err != nil {
			return err
		}
	}
	unix.Getppid()
	return nil
})

func TestSemaphoreMakesNoSystemCall(t *testing.T) {
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		ipctest.Missing(t, "strace can't be run:", err.Error(), string(out))
	}
	s := newTestSemaphore(t, 1, nil)
	cmd := ipctest.HelperCommand(t, semaphorePairs, s.Name())
	trace := filepath.Join(t.TempDir(), "trace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-o", trace, cmd.Path}, cmd.Args[1:]...)...)
	traced.Env = append(cmd.Env, "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	if p := ipctest.StartCommand(t, traced); p.Wait() != nil {
		t.Fatal(p.Stderr())
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var thread string
	marks, calls := 0, 0
	for _, m := range regexp.MustCompile(`(?m)^(\d+) +(\w+)\(`).FindAllStringSubmatch(string(text), -1) {
		switch {
		case m[2] == "getppid":
			thread = m[1]
			marks++
		case marks == 1 && m[1] == thread:
			calls++
		}
	}
	// The runtime may make a few.
	if marks != 2 || calls > countedPairs/10 {
		t.Errorf("%d system calls in %d pairs, between %d marks", calls, countedPairs, marks)
	}
}

// Signals that interrupt waits change nothing.
func TestSemaphoreSignals(t *testing.T) {
	s := newTestSemaphore(t, 0, nil)
	p := startSemaphoreUser(t, s)
	tell(t, p, "wait 2", "waiting")
	result := make(chan error)
	go func() { result <- s.Acquire(context.Background()) }()
	mustAwaitAcquiring(t, 1)
	signals := []os.Signal{syscall.SIGURG, syscall.SIGALRM, syscall.SIGCHLD, syscall.SIGIO}
	for i := range ipctest.Count(4000) {
		if err := p.Process.Signal(signals[i%len(signals)]); err != nil {
			t.Fatal(err)
		}
		if i%4 == 0 {
			unix.Kill(os.Getpid(), unix.SIGURG)
		}
		if i%100 == 0 { // with permits under way
			if ok, err := s.TryAcquire(); ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}
	select {
	case err := <-result:
		t.Fatalf("it ended with %v", err)
	default:
	}
	if previous, err := s.Release(3); previous != 0 || err != nil {
		t.Fatal(previous, err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	p.Expect("acquired <nil>")
	p.Expect("acquired <nil>")
	wantPermits(t, s, 0)
}

// semaphoreParent takes a permit of the semaphore Args[0], starts a child that
// inherits its descriptors and lives as long as descriptor 3 gives no end, and
// waits for another permit.
var semaphoreParent = ipctest.Helper("semaphore parent", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	if err := s.Acquire(context.Background()); err != nil {
		return err
	}
	f, err := os.OpenFile(semaphorePath(c.Args[0]), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	child := exec.Command("cat")
	child.Stdin, child.ExtraFiles = os.NewFile(3, "end"), []*os.File{f}
	if err := child.Start(); err != nil {
		return err
	}
	c.Say("%d", child.Process.Pid)
	return s.Acquire(context.Background())
})

func TestSemaphoreInherited(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	end, alive, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := ipctest.HelperCommand(t, semaphoreParent, s.Name())
	cmd.ExtraFiles = []*os.File{end}
	p := ipctest.StartCommand(t, cmd)
	end.Close()
	child := p.Hear()
	result := make(chan error)
	go func() { result <- s.Acquire(context.Background()) }()
	mustAwaitAcquiring(t, 1)
	p.Kill()
	if _, err := os.Stat("/proc/" + child); err != nil {
		t.Fatal("the child is gone too:", err)
	}
	if previous, err := s.Release(1); previous != 0 || err != nil {
		t.Error(previous, err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	wantPermits(t, s, 0)
	alive.Close()
}

// semaphoreStranger does what Args say and tells what came of it.
var semaphoreStranger = ipctest.Helper("semaphore stranger", func(c *ipctest.Control) error {
	what, name := c.Args[0], c.Args[1]
	var s *Semaphore
	var err error
	switch what {
	case "create":
		s, err = CreateSemaphore(name, 1, &Config{Mode: 0o666})
	case "open":
		s, err = OpenSemaphore(name, &Config{Mode: 0o666})
	case "remove":
		err = Remove(KindSemaphore, name, nil)
	}
	if s != nil {
		_, err = s.Release(1)
		defer s.Close()
	}
	c.Say("permission %v: %v", errors.Is(err, os.ErrPermission), err)
	c.Hear()
	if what == "create" {
		return Remove(KindSemaphore, name, nil)
	}
	return nil
})

// asStranger returns nobody's uid, and a function that starts a helper as another user.
func asStranger(t *testing.T) (uid int, start func(helper string, uid int, args ...string) *ipctest.Process) {
	t.Helper()
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start another user's processes")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		ipctest.Missing(t, err.Error())
	}
	uid, _ = strconv.Atoi(nobody.Uid)
	if rule, _ := access.New(0, []string{nobody.Uid}, nil); rule.Admit(breezeway.Peer{UID: uid}) != nil {
		ipctest.Missing(t, "this user namespace does not map nobody")
	}
	// go test builds where only this user can go.
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o711)
	os.Chmod(dir, 0o755)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "stranger")
	if err := os.WriteFile(exe, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return uid, func(helper string, uid int, args ...string) *ipctest.Process {
		cmd := ipctest.HelperCommand(t, helper, args...)
		cmd.Path, cmd.Dir = exe, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		return ipctest.StartCommand(t, cmd)
	}
}

func TestSemaphoreOfStrangers(t *testing.T) {
	uid, start := asStranger(t)
	as := func(uid int, args ...string) *ipctest.Process { return start(semaphoreStranger, uid, args...) }
	for _, test := range []struct {
		cfg  *Config
		want string
	}{
		{nil, "permission true: sem open NAME: it belongs to uid 0 and has mode 0600"},
		{&Config{Mode: 0o666}, "permission false: <nil>"},
		{&Config{Allow: []string{"nobody"}}, "permission false: <nil>"},
		{&Config{Allow: []string{"12345"}}, "permission true"},
	} {
		s := newTestSemaphore(t, 0, test.cfg)
		p := as(uid, "open", s.Name())
		line, want := p.Hear(), strings.ReplaceAll(test.want, "NAME", s.Name())
		if !strings.HasPrefix(line, want) || test.cfg == nil && !strings.Contains(line, "its creator can admit others with Config.Allow") {
			t.Errorf("%+v: %q, want %q", test.cfg, line, want)
		} else if strings.HasSuffix(want, "<nil>") {
			wantPermits(t, s, 1)
		}
		p.Say("end")
	}

	name := ipctest.UniqueName()
	p := as(uid, "create", name)
	p.Expect("permission false: <nil>")
	_, err := OpenSemaphore(name, nil) // root could, and must not
	ipctest.WantError(t, err, os.ErrPermission, "it belongs to uid "+strconv.Itoa(uid), "Config.Trust")
	_, err = OpenOrCreateSemaphore(name, 1, nil)
	ipctest.WantError(t, err, os.ErrPermission, strconv.Itoa(uid))
	s := sameSemaphore(t, name, &Config{Trust: []string{"nobody"}})
	wantPermits(t, s, 2)
	third := as(12345, "remove", name)
	if line := third.Hear(); !strings.HasPrefix(line, "permission true") || !strings.Contains(line, "uid "+strconv.Itoa(uid)) || strings.Contains(line, "admit") {
		t.Error(line)
	}
	third.Say("end")
	p.Say("end")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// Of many that open or create the same name one creates it.
func TestSemaphoreRaceToCreate(t *testing.T) {
	for range ipctest.Count(200) {
		name := ipctest.UniqueName()
		var all sync.WaitGroup
		created := make(chan bool, 8)
		for range cap(created) {
			all.Go(func() {
				s, err := OpenOrCreateSemaphore(name, 3, &Config{Max: 4})
				if err != nil {
					t.Error(err)
					created <- false
					return
				}
				created <- s.Created()
				if _, err := s.Value(); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		n := 0
		for range cap(created) {
			if <-created {
				n++
			}
		}
		if n != 1 {
			t.Fatal(fmt.Sprint(n, " created it"))
		}
		if err := Remove(KindSemaphore, name, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func mustAwaitAcquiring(t testing.TB, n int) {
	t.Helper()
	if err := awaitAcquiring(n); err != nil {
		t.Fatal(err)
	}
}

// semaphoreUser opens the semaphore Args[0] and does what it is told.
var semaphoreUser = ipctest.Helper("semaphore user", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { s.Close() })
	c.Say("opened")
	var done atomic.Int32 // goroutines that have acquired
	for {
		var command string
		var n int
		fmt.Sscan(c.Hear(), &command, &n)
		switch command {
		case "acquire":
			c.Say("acquired %v", s.Acquire(context.Background()))
		case "try":
			ok, err := s.TryAcquire()
			c.Say("%v %v", ok, err)
		case "release":
			previous, err := s.Release(n)
			c.Say("released %d %v", previous, err)
		case "wait": // in n goroutines
			for range n {
				go func() {
					err := s.Acquire(context.Background())
					done.Add(1)
					c.Say("acquired %v", err)
				}()
			}
			if err := awaitAcquiring(n); err != nil {
				return err
			}
			c.Say("waiting")
		default:
			return fmt.Errorf("what is %q?", command)
		}
	}
})

func startSemaphoreUser(t testing.TB, s *Semaphore, args ...string) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, semaphoreUser, append([]string{s.Name()}, args...)...)
	p.Expect("opened")
	return p
}

// A process that truncates the file at any moment doesn't end one that closes the semaphore.
func TestCloseWhileTheFileIsTruncated(t *testing.T) {
	s := newTestSemaphore(t, 1, &Config{Mode: 0o666})
	image, err := os.ReadFile(semaphorePath(s.Name()))
	if err != nil {
		t.Fatal(err)
	}
	image[4] = 1 // a waiter, which is owed a wake-up
	f, err := os.OpenFile(semaphorePath(s.Name()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-over:
				return
			default:
				f.WriteAt(image, 0)
				f.Truncate(0)
			}
		}
	}()
	for closed := 0; closed < ipctest.Count(20_000); {
		if s, err := OpenSemaphore(s.Name(), nil); err == nil {
			s.Close()
			closed++
		}
	}
	close(over)
	<-ended
}
