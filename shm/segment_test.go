package shm

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// visitor opens the segment Args[0] and does what it is told.
var visitor = ipctest.Helper("visitor", func(c *ipctest.Control) error {
	seg, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	c.Say("%d", seg.Len())
	for {
		switch word := c.Hear(); word {
		case "write":
			if _, err := seg.WriteAt([]byte("from the visitor"), 100); err != nil {
				return err
			}
			c.Say("done")
		case "read":
			b := make([]byte, 13)
			if _, err := seg.ReadAt(b, 5); err != nil {
				return err
			}
			c.Say("%s", b)
		case "count":
			n := ipctest.Count(1_000_000)
			word, err := mmap.View[atomic.Uint64](seg.Mapping, 64)
			if err != nil {
				return err
			}
			for range n {
				word.Add(1)
			}
			for range n / 10 {
				if _, err := mmap.AtomicAdd(seg.Mapping, 72, uint64(1)); err != nil {
					return err
				}
			}
			c.Say("counted")
		default:
			return nil
		}
	}
})

func TestTwoProcesses(t *testing.T) {
	const size = 5000
	seg := mustCreate(t, size, nil)
	if seg.Len() != size || !seg.Created() {
		t.Errorf("created %v with %d bytes", seg.Created(), seg.Len())
	}
	if !bytes.Equal(seg.Bytes(), make([]byte, size)) {
		t.Error("not zero")
	}
	if _, err := seg.WriteAt([]byte("from the test"), 5); err != nil {
		t.Fatal(err)
	}
	p := ipctest.Start(t, visitor, seg.Name())
	p.Expect(strconv.FormatInt(roundSize(size), 10))
	p.Say("read")
	p.Expect("from the test")
	p.Say("write")
	p.Expect("done")
	b := make([]byte, 16)
	if _, err := seg.ReadAt(b, 100); err != nil || string(b) != "from the visitor" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestCounters lets eight processes increase the same words.
func TestCounters(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	const processes = 8
	var all []*ipctest.Process
	for range processes {
		p := ipctest.Start(t, visitor, seg.Name())
		p.Hear()
		all = append(all, p)
	}
	for _, p := range all {
		p.Say("count")
	}
	for _, p := range all {
		p.Expect("counted")
	}
	n := uint64(ipctest.Count(1_000_000))
	if v, err := mmap.AtomicLoad[uint64](seg.Mapping, 64); v != processes*n || err != nil {
		t.Errorf("%d of %d increments, %v", v, processes*n, err)
	}
	if v, err := mmap.AtomicLoad[uint64](seg.Mapping, 72); v != processes*(n/10) || err != nil {
		t.Errorf("%d of %d increments, %v", v, processes*(n/10), err)
	}
}

// half writes its half of the segment Args[0], then checks the other one.
var half = ipctest.Helper("half", func(c *ipctest.Control) error {
	seg, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer seg.Close()
	which, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	all, err := mmap.Slice[uint64](seg.Mapping, 0, seg.Len()/8)
	if err != nil {
		return err
	}
	halves := [2][]uint64{all[:len(all)/2], all[len(all)/2:]}
	for i := range halves[which] {
		halves[which][i] = mark(which, i)
	}
	c.Say("written")
	c.Hear()
	for i, v := range halves[1-which] {
		if v != mark(1-which, i) {
			return fmt.Errorf("word %d of the other half is %#x", i, v)
		}
	}
	c.Say("right")
	return nil
})

// mark is what belongs in word i of a half.
func mark(half, i int) uint64 { return uint64(i)*0x9e3779b97f4a7c15 ^ uint64(half+1)<<60 }

// TestHalves has two processes write disjoint halves of a large segment.
func TestHalves(t *testing.T) {
	size := int64(1 << 30)
	if ipctest.Count(100) < 100 {
		size = 64 << 20
	}
	seg := mustCreate(t, size, nil)
	var both []*ipctest.Process
	for which := range 2 {
		both = append(both, ipctest.Start(t, half, seg.Name(), strconv.Itoa(which)))
	}
	for _, p := range both {
		p.Expect("written")
	}
	for _, p := range both {
		p.Say("check")
	}
	for _, p := range both {
		p.Expect("right")
	}
}

func TestOpenOrCreate(t *testing.T) {
	name := ipctest.UniqueName()
	first, err := OpenOrCreate(name, 5000, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, first)
	second, err := OpenOrCreate(name, 5000, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, second)
	if !first.Created() || second.Created() {
		t.Errorf("created: %v, %v", first.Created(), second.Created())
	}
	if err := mmap.Write(first.Mapping, 7, uint32(7)); err != nil {
		t.Fatal(err)
	}
	if v, err := mmap.Read[uint32](second.Mapping, 7); v != 7 || err != nil {
		t.Error(v, err)
	}
	_, err = OpenOrCreate(name, 50_000, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "50000")
}

// racer opens or creates Args[0], says which, and stays.
var racer = ipctest.Helper("racer", func(c *ipctest.Control) error {
	c.Say("ready")
	for {
		name := c.Hear()
		if name == "" {
			return nil
		}
		seg, err := OpenOrCreate(name, 4096, nil)
		if err != nil {
			return err
		}
		n, err := mmap.AtomicAdd(seg.Mapping, 0, uint64(1))
		if err != nil {
			return err
		}
		c.Say("%v %d", seg.Created(), n)
		c.Hear()
		seg.Close()
	}
})

// TestRaceToCreate has processes open or create the same names: of each name one
// creates it, and all see the same memory.
func TestRaceToCreate(t *testing.T) {
	var all []*ipctest.Process
	for range 4 {
		p := ipctest.Start(t, racer)
		p.Expect("ready")
		all = append(all, p)
	}
	for range ipctest.Count(300) {
		name := ipctest.UniqueName()
		for _, p := range all {
			p.Say(name)
		}
		creators := 0
		last := 0
		for _, p := range all {
			var created bool
			var n int
			fmt.Sscan(p.Hear(), &created, &n)
			if created {
				creators++
			}
			last = max(last, n)
		}
		if creators != 1 || last != len(all) {
			t.Errorf("%d created it, %d met", creators, last)
		}
		for _, p := range all {
			p.Say("close")
		}
		removeIfThere(t, name)
	}
	for _, p := range all {
		p.Say("")
	}
}

func TestRefusals(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	for _, size := range []int64{0, -1, -1 << 63} {
		_, err := Create(ipctest.UniqueName(), size, nil)
		ipctest.WantError(t, err, os.ErrInvalid, strconv.FormatInt(size, 10))
		_, err = OpenOrCreate(ipctest.UniqueName(), size, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		_, err = seg.Resize(size)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
	_, err := Create(seg.Name(), 4096, nil)
	removal := "ipc rm"
	if runtime.GOOS == "windows" {
		removal = "last handle"
	}
	ipctest.WantError(t, err, os.ErrExist, "shm.Open", removal)
	missing := ipctest.UniqueName()
	_, err = Open(missing, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "shm.Create", "ipc create shm://"+missing)
	if runtime.GOOS != "windows" {
		ipctest.WantError(t, Remove(KindSegment, missing, nil), os.ErrNotExist)
	}
	for _, name := range []string{"", "sem.x", "bw.mutex.x", "a/b", "../x", ".hidden", "ä", "a\x00b", string(make([]byte, 300))} {
		_, err := Create(name, 4096, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		_, err = Open(name, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		_, err = OpenOrCreate(name, 4096, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		ipctest.WantError(t, Remove(KindSegment, name, nil), os.ErrInvalid)
	}
	_, err = Open("sem.x", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "sem.")
	_, err = Create("bw.x", 1, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "bw.")
	_, err = Create(ipctest.UniqueName(), 4096, &Config{ReadOnly: true})
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = Create(ipctest.UniqueName(), 4096, &Config{Allow: []string{"no such user"}})
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = Open(seg.Name(), &Config{Mode: 0o4755 | os.ModeSetuid})
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = Create(ipctest.UniqueName(), 1<<60, nil)
	if err == nil {
		t.Error("an exbibyte was created")
	}
}

func TestReadOnly(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	ro, err := Open(seg.Name(), &Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, ro)
	ipctest.WantError(t, mmap.Write(ro.Mapping, 0, byte(1)), os.ErrPermission)
	if _, err := seg.WriteAt([]byte("x"), 9); err != nil {
		t.Fatal(err)
	}
	if v, err := mmap.Read[byte](ro.Mapping, 9); v != 'x' || err != nil {
		t.Error(v, err)
	}
	_, err = ro.Resize(8192)
	ipctest.WantError(t, err, os.ErrPermission)
}

func TestCloseDetaches(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	other, err := Open(seg.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := mmap.Write(other.Mapping, 0, uint16(0xbeef)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ipctest.WantError(t, mmap.Write(other.Mapping, 0, uint16(1)), os.ErrClosed)
	if v, err := mmap.Read[uint16](seg.Mapping, 0); v != 0xbeef || err != nil {
		t.Error(v, err)
	}
}
