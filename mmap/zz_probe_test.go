package mmap

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"iter"
	"log"
	"net"
	"os"
	"reflect"
	"runtime/pprof"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

type key4 struct{ A, B, C, D int64 }

var psink any
var isink int64
var bsink []byte
var ssink string

type penv struct {
	m *Mapping
	b    []byte
	n    []int64
	s    string
	k    []key4
	gone func()
	f *os.File
}

var probes = map[string]func(e *penv) (after func()){
	"plain": func(e *penv) func() { e.gone(); isink = e.n[0]; return nil },
	"send buffered": func(e *penv) func() { c := make(chan int64, 1); e.gone(); c <- e.n[0]; return nil },
	"send local": func(e *penv) func() { c := make(chan int64, 1); e.gone(); v := e.n[0]; c <- v; return nil },
	"send waiting": func(e *penv) func() { c := make(chan int64); go func() { <-c }(); e.gone(); c <- e.n[0]; return nil },
	"recv into": func(e *penv) func() { c := make(chan int64, 1); c <- 1; e.gone(); e.n[0] = <-c; return nil },
	"recv into via ok": func(e *penv) func() { c := make(chan int64, 1); c <- 1; e.gone(); var ok bool; e.n[0], ok = <-c; _ = ok; return nil },
	"recv from unbuf": func(e *penv) func() { c := make(chan int64); go func() { c <- 1 }(); e.gone(); e.n[0] = <-c; return nil },
	"recv big into": func(e *penv) func() { c := make(chan key4, 1); c <- key4{}; e.gone(); e.k[0] = <-c; return nil },
	"select send": func(e *penv) func() { c := make(chan int64, 1); d := make(chan int64); e.gone(); select { case c <- e.n[0]: case <-d: }; return nil },
	"select send 1 default": func(e *penv) func() { c := make(chan int64, 1); e.gone(); select { case c <- e.n[0]: default: }; return nil },
	"select recv into": func(e *penv) func() { c := make(chan int64, 1); c <- 1; d := make(chan int64); e.gone(); select { case e.n[0] = <-c: case <-d: }; return nil },
	"println int": func(e *penv) func() { e.gone(); println(e.n[0]); return nil },
	"println two": func(e *penv) func() { e.gone(); println("x", e.n[0]); return nil },
	"println string": func(e *penv) func() { e.gone(); println(e.s); return nil },
	"print bytes": func(e *penv) func() { e.gone(); print(e.b[0]); return nil },
	"println struct field": func(e *penv) func() { e.gone(); println(e.k[1].C); return nil },
	"panic string recovered": func(e *penv) func() { e.gone(); func() { defer func() { recover() }(); panic(e.s) }(); isink = e.n[0]; return nil },
	"panic string": func(e *penv) func() { e.gone(); panic(e.s) },
	"panic error string": func(e *penv) func() { e.gone(); panic(errors.New(e.s)) },
	"map assign int": func(e *penv) func() { m := map[int64]int64{}; e.gone(); func() {m[e.n[0]] = 1}(); return func() { m[1] = 1 } },
	"map assign int recov": func(e *penv) func() { m := map[int64]int64{}; e.gone(); func() { defer func(){recover()}();m[e.n[0]] = 1}(); m[1] = 1; isink=e.n[0]; return nil },
	"map assign struct": func(e *penv) func() { m := map[key4]int64{}; e.gone(); m[e.k[0]] = 1; return nil },
	"map assign struct then": func(e *penv) func() { m := map[key4]int64{}; e.gone(); func() { defer func(){recover()}();m[e.k[0]] = 1}(); m[key4{1,1,1,1}] = 1; isink=e.n[0]; return nil },
	"map assign str key": func(e *penv) func() { m := map[string]int64{}; e.gone(); func() { defer func(){recover()}();m[e.s] = 1}(); m["a"] = 1; isink=e.n[0]; return nil },
	"map assign value": func(e *penv) func() { m := map[int]key4{}; e.gone(); func() { defer func(){recover()}();m[1] = e.k[0]}(); m[2] = key4{}; isink=e.n[0]; return nil },
	"map opassign": func(e *penv) func() { m := map[int]int64{}; e.gone(); func() { defer func(){recover()}();m[1] += e.n[0]}(); m[2] = 1; isink=e.n[0]; return nil },
	"map lookup": func(e *penv) func() { m := map[string]int64{"a": 1}; e.gone(); isink = m[e.s]; return nil },
	"map lookup many": func(e *penv) func() { m := map[string]int64{}; for i := range 100 { m[fmt.Sprint(i)] = 1 }; e.gone(); isink = m[e.s]; return nil },
	"map with mapped keys, assign": func(e *penv) func() { m := map[string]int64{e.s: 1}; k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); m[k] = 1 }(); m["other"] = 2; isink = e.n[0]; return nil },
	"map with mapped keys, lookup": func(e *penv) func() { m := map[string]int64{e.s: 1}; k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); isink = m[k] }(); m["other"] = 2; isink = e.n[0]; return nil },
	"map with mapped keys, many": func(e *penv) func() { m := map[string]int64{e.s: 1}; for i := range 100 { m[fmt.Sprint(i)] = 1 }; k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); m[k] = 1 }(); m["other"] = 2; isink = e.n[0]; return nil },
	"map with mapped keys, growth": func(e *penv) func() { m := map[string]int64{e.s: 1}; e.gone(); func() { defer func() { recover() }(); for i := range 10000 { m[fmt.Sprint(i)] = 1 } }(); m["other"] = 2; isink = e.n[0]; return nil },
	"map with mapped keys, delete": func(e *penv) func() { m := map[string]int64{e.s: 1}; k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); delete(m, k) }(); m["other"] = 2; isink = e.n[0]; return nil },
	"map with interface keys": func(e *penv) func() { m := map[any]int64{e.s: 1}; k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); m[k] = 1 }(); m["other"] = 2; isink = e.n[0]; return nil },
	"sync.Map": func(e *penv) func() { var m sync.Map; m.Store(e.s, 1); k := strings.Clone(e.s); e.gone(); func() { defer func() { recover() }(); m.Store(k, 1) }(); m.Store(k, 2); isink = e.n[0]; return nil },
	"append to heap": func(e *penv) func() { e.gone(); bsink = append([]byte("x"), e.b...); return nil },
	"append growth of mapped": func(e *penv) func() { e.gone(); bsink = append(e.b[:len(e.b):len(e.b)], 1); return nil },
	"append in place": func(e *penv) func() { e.gone(); bsink = append(e.b[:0], 1); return nil },
	"string(b)": func(e *penv) func() { e.gone(); ssink = string(e.b); return nil },
	"string(b[:1])": func(e *penv) func() { e.gone(); ssink = string(e.b[:1]); return nil },
	"[]byte(s)": func(e *penv) func() { e.gone(); bsink = []byte(e.s); return nil },
	"[]rune(s)": func(e *penv) func() { e.gone(); isink = int64(len([]rune(e.s))); return nil },
	"concat": func(e *penv) func() { e.gone(); ssink = "a" + e.s + "b"; return nil },
	"concat big": func(e *penv) func() { e.gone(); ssink = e.s + string(e.b); return nil },
	"convT": func(e *penv) func() { e.gone(); psink = e.k[0]; return nil },
	"convT64": func(e *penv) func() { e.gone(); psink = e.n[0]; return nil },
	"copy out": func(e *penv) func() { e.gone(); x := make([]byte, 10000); copy(x, e.b); bsink = x; return nil },
	"copy in": func(e *penv) func() { e.gone(); x := make([]byte, 10000); copy(e.b, x); return nil },
	"clear": func(e *penv) func() { e.gone(); clear(e.b); return nil },
	"array copy": func(e *penv) func() { e.gone(); a := [4096]byte(e.b[:4096]); psink = a; return nil },
	"compare": func(e *penv) func() { x := make([]byte, len(e.b)); e.gone(); psink = bytes.Equal(x, e.b); return nil },
	"compare str": func(e *penv) func() { x := strings.Clone(e.s); e.gone(); psink = x == e.s; return nil },
	"less str": func(e *penv) func() { x := strings.Clone(e.s); e.gone(); psink = x < e.s; return nil },
	"index": func(e *penv) func() { e.gone(); psink = bytes.IndexByte(e.b, 7); return nil },
	"iface eq": func(e *penv) func() { x := any(strings.Clone(e.s)); y := any(e.s); e.gone(); psink = x == y; return nil },
	"sha256": func(e *penv) func() { e.gone(); psink = sha256.Sum256(e.b); return nil },
	"crc32": func(e *penv) func() { e.gone(); psink = crc32.ChecksumIEEE(e.b); return nil },
	"maphash": func(e *penv) func() { e.gone(); psink = maphash.Bytes(maphash.MakeSeed(), e.b); return nil },
	"sort": func(e *penv) func() { e.gone(); slices.Sort(e.n); return nil },
	"sort2": func(e *penv) func() { e.gone(); sort.Slice(e.n, func(i, j int) bool { return e.n[i] < e.n[j] }); return nil },
	"json": func(e *penv) func() { e.gone(); json.NewEncoder(io.Discard).Encode(e.n); isink = e.n[0]; return nil },
	"fmt": func(e *penv) func() { e.gone(); ssink = fmt.Sprint(e.n); isink = e.n[0]; return nil },
	"fmt v": func(e *penv) func() { e.gone(); ssink = fmt.Sprintf("%v %s", e.n[:2], e.s); isink = e.n[0]; return nil },
	"fmt string": func(e *penv) func() { e.gone(); fmt.Fprintln(io.Discard, e.s); isink = e.n[0]; return nil },
	"log": func(e *penv) func() { l := log.New(io.Discard, "", 0); l2 := log.New(os.Stderr, "", 0); e.gone(); func() { defer func() { recover() }(); l2.Println(e.s) }(); l.Println("x"); l2.Println("y"); isink = e.n[0]; return nil },
	"write syscall": func(e *penv) func() { e.gone(); _, err := e.f.Write(e.b); fmt.Println("err", err, errors.Is(err, syscall.EFAULT)); isink = e.n[0]; return nil },
	"read syscall": func(e *penv) func() { z, _ := os.Open("/dev/zero"); e.gone(); _, err := z.Read(e.b); fmt.Println("err", err); isink = e.n[0]; return nil },
	"net write": func(e *penv) func() { l, _ := net.Listen("tcp", "127.0.0.1:0"); c, _ := net.Dial("tcp", l.Addr().String()); e.gone(); _, err := c.Write(e.b); fmt.Println("err", err); isink = e.n[0]; return nil },
	"writestring": func(e *penv) func() { e.gone(); _, err := os.Stderr.WriteString(e.s); fmt.Println("err", err); isink = e.n[0]; return nil },
	"file name": func(e *penv) func() { e.gone(); os.Open(e.s); return nil },
	"io.Pipe": func(e *penv) func() { r, w := io.Pipe(); go io.Copy(io.Discard, r); go func() { x := make([]byte, 100); r.Read(x) }(); e.gone(); w.Write(e.b); isink = e.n[0]; return nil },
	"goroutine": func(e *penv) func() { var wg sync.WaitGroup; e.gone(); wg.Go(func() { isink = e.n[0] }); wg.Wait(); return nil },
	"go arg": func(e *penv) func() { e.gone(); go func(int64) {}(e.n[0]); return nil },
	"defer arg": func(e *penv) func() { e.gone(); defer func(int64) {}(e.n[0]); return nil },
	"iter.Pull": func(e *penv) func() { next, stop := iter.Pull(slices.Values(e.n)); defer stop(); e.gone(); v, _ := next(); isink = v; return nil },
	"range func": func(e *penv) func() { e.gone(); for v := range slices.Values(e.n) { isink = v }; return nil },
	"deferred touch": func(e *penv) func() { e.gone(); defer func() { isink = e.n[1] }(); isink = e.n[0]; return nil },
	"mutex": func(e *penv) func() { var mu sync.Mutex; e.gone(); func() { defer func() { recover() }(); mu.Lock(); isink = e.n[0]; mu.Unlock() }(); fmt.Println("free", mu.TryLock()); isink = e.n[0]; return nil },
	"reflect set": func(e *penv) func() { e.gone(); var v key4; reflect.ValueOf(&v).Elem().Set(reflect.ValueOf(&e.k[0]).Elem()); psink = v; return nil },
	"reflect copy": func(e *penv) func() { e.gone(); x := make([]int64, 10); reflect.Copy(reflect.ValueOf(x), reflect.ValueOf(e.n)); return nil },
	"reflect iface": func(e *penv) func() { e.gone(); psink = reflect.ValueOf(&e.k[0]).Elem().Interface(); return nil },
	"reflect send": func(e *penv) func() { c := make(chan key4, 1); e.gone(); reflect.ValueOf(c).Send(reflect.ValueOf(&e.k[0]).Elem()); return nil },
	"reflect select": func(e *penv) func() { c := make(chan key4, 1); e.gone(); reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectSend, Chan: reflect.ValueOf(c), Send: reflect.ValueOf(&e.k[0]).Elem()}}); return nil },
	"reflect setmap": func(e *penv) func() { m := map[string]key4{}; e.gone(); func() { defer func() { recover() }(); reflect.ValueOf(m).SetMapIndex(reflect.ValueOf("x"), reflect.ValueOf(&e.k[0]).Elem()) }(); m["y"] = key4{}; isink = e.n[0]; return nil },
	"reflect setmap big key": func(e *penv) func() { m := map[key4]int{}; e.gone(); func() { defer func() { recover() }(); reflect.ValueOf(m).SetMapIndex(reflect.ValueOf(&e.k[0]).Elem(), reflect.ValueOf(1)) }(); m[key4{}] = 1; isink = e.n[0]; return nil },
	"reflect call": func(e *penv) func() { e.gone(); reflect.ValueOf(func(key4) {}).Call([]reflect.Value{reflect.ValueOf(&e.k[0]).Elem()}); return nil },
	"reflect equal": func(e *penv) func() { e.gone(); psink = reflect.DeepEqual(e.k[0:1], []key4{{}}); return nil },
	"atomic load": func(e *penv) func() { e.gone(); isink = atomic.LoadInt64(&e.n[0]); return nil },
	"atomic add": func(e *penv) func() { e.gone(); isink = atomic.AddInt64(&e.n[0], 1); return nil },
	"atomic cas": func(e *penv) func() { e.gone(); atomic.CompareAndSwapInt64(&e.n[0], 0, 1); return nil },
	"atomic store": func(e *penv) func() { e.gone(); atomic.StoreInt64(&e.n[0], 1); return nil },
	"atomic and": func(e *penv) func() { e.gone(); atomic.AndInt64(&e.n[0], 1); return nil },
	"our atomic load": func(e *penv) func() { e.gone(); v, err := AtomicLoad[int64](e.m, 0); isink = v; fmt.Println(err); isink = e.n[0]; return nil },
	"our atomic add": func(e *penv) func() { e.gone(); v, err := AtomicAdd[int64](e.m, 0, 1); isink = v; fmt.Println(err); isink = e.n[0]; return nil },
	"pprof label": func(e *penv) func() { e.gone(); pprof.Do(context.Background(), pprof.Labels("a", e.s), func(context.Context) {}); isink = e.n[0]; return nil },
	"setenv": func(e *penv) func() { e.gone(); os.Setenv("x", e.s); isink = e.n[0]; return nil },
	"sync.Once": func(e *penv) func() { var o sync.Once; e.gone(); o.Do(func() { isink = e.n[0] }); return nil },
	"builder": func(e *penv) func() { var sb strings.Builder; e.gone(); sb.WriteString(e.s); return nil },
	"switch": func(e *penv) func() { e.gone(); switch e.s { case "abc", "defg", "x": isink = 1 }; switch strings.ToLower(e.s[:4]) { case "abcd": }; return nil },
	"unique": func(e *penv) func() { e.gone(); psink = any(e.s); return nil },
	"large value arg": func(e *penv) func() { e.gone(); func(k [4096]byte) { isink = int64(k[9]) }(*(*[4096]byte)(unsafe.Pointer(&e.b[0]))); return nil },
	"stack overflow of large": func(e *penv) func() { e.gone(); big(*(*[1 << 12]byte)(unsafe.Pointer(&e.b[0])), 0); return nil },
	"trace": func(e *penv) func() { return nil },
	"float math": func(e *penv) func() { e.gone(); f := unsafe.Slice((*float64)(unsafe.Pointer(&e.b[0])), 8); isink = int64(f[1]); return nil },
	"div": func(e *penv) func() { e.gone(); isink = 7 / e.n[0]; return nil },
}

//go:noinline
func big(b [1 << 12]byte, n int) int {
	if n > 3 {
		return int(b[9])
	}
	return big(b, n+1) + int(b[n])
}

var prober = ipctest.Helper("prober", func(c *ipctest.Control) error {
	f, err := os.CreateTemp("/tmp/probe2/f", "x")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	f.Write(bytes.Repeat([]byte("a"), 16384))
	m, err := Map(f, nil)
	if err != nil {
		return err
	}
	var after func()
	func() {
		defer func() {
			if r := recover(); r != nil {
				c.Say("RECOVERED")
			}
		}()
		err = m.Borrow(func(b []byte) error {
			e := &penv{m: m, b: b, n: unsafe.Slice((*int64)(unsafe.Pointer(&b[0])), 100), s: unsafe.String(&b[64], 100), k: unsafe.Slice((*key4)(unsafe.Pointer(&b[0])), 100), gone: func() { f.Truncate(0) }}
			e.f, _ = os.OpenFile("/tmp/probe2/out", os.O_WRONLY|os.O_CREATE, 0o600)
			after = probes[c.Args[0]](e)
			return nil
		})
	}()
	if after != nil {
		after()
	}
	c.Say("BORROW %v %v", errors.Is(err, io.ErrUnexpectedEOF), err)
	return nil
})

func TestZZProbe(t *testing.T) {
	names := make([]string, 0)
	for n := range probes {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		cmd := ipctest.HelperCommand(t, prober, n)
		cmd.Stdin, _ = os.Open("/dev/zero")
		out, err := cmd.CombinedOutput()
		first := ""
		for _, l := range strings.Split(string(out), "\n") {
			if strings.Contains(l, "fatal error") || strings.Contains(l, "BORROW") || strings.Contains(l, "SIG") || strings.HasPrefix(l, "err") || strings.HasPrefix(l, "free") || strings.HasPrefix(l, "panic")|| strings.HasPrefix(l, "RECOV") {
				first += l + " | "
			}
		}
		if len(first) > 200 { first = first[:200] }
		fmt.Printf("%-32s %v: %s\n", n, err, first)
	}
}
