package mq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// readers returns the programs that list the messages of the queue in a file: they use
// docs/mq.h and docs/mq.py, and print the same.
func readers(t *testing.T) map[string]ipctest.Program {
	return map[string]ipctest.Program{
		"C":      ipctest.C(t, "testdata/list.c"),
		"Python": ipctest.Python(t, "../docs/mq.py"),
	}
}

// listBy returns the lines that a reader prints of the queue in a file: the first, and those
// of the messages.
func listBy(t *testing.T, read ipctest.Program, file string) (title string, messages []string) {
	t.Helper()
	cmd := read(file)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v; stderr: %s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) < 2 || lines[len(lines)-1] != "end" {
		t.Fatalf("it printed %q", out)
	}
	return lines[0], lines[1 : len(lines)-1]
}

// listed is the line of a message.
func listed(position uint64, state string, deliveries int, m Outgoing) string {
	id := "-"
	if m.ID != "" {
		id = fmt.Sprintf("%x", m.ID)
	}
	return fmt.Sprintf("%d %s priority %d deliveries %d id %s size %d crc32c %08x",
		position, state, m.Priority, deliveries, id, len(m.Body), crc32.Checksum(m.Body, castagnoli))
}

// Programs that know docs/formats.md find every message of a queue that is in use, in the
// ring and in the store, and change nothing.
func TestQueueIsReadByCAndPython(t *testing.T) {
	programs := readers(t)
	for _, name := range []string{newName(t), filepath.Join(t.TempDir(), "jobs")} {
		cfg := &Config{Capacity: 12, CapacityBytes: 64 << 10, MaxMessage: 20_000, Slots: 7, LeaseTimeout: time.Hour}
		q := mustOpen(t, name, cfg)
		sent := []Outgoing{
			text("received", 3),
			{},
			{Body: []byte("leased"), Priority: 31, ID: "job 2"},
			{Body: bytes.Repeat([]byte("delayed"), 1500), Priority: 30},
			{Body: bytes.Repeat([]byte("back"), 16), Priority: 29},
			{Body: bytes.Repeat([]byte{0, 0xff}, 160), ID: strings.Repeat("i", MaxID)},
		}
		for _, m := range sent {
			mustSend(t, q, m)
		}
		leased, delayed, back, received := mustLease(t, q), mustLease(t, q), mustLease(t, q), mustLease(t, q)
		for _, err := range []error{
			leased.Extend(t.Context()), delayed.Nack(t.Context(), time.Hour), back.Nack(t.Context(), 0), received.Ack(t.Context()),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		late := []Outgoing{{Body: make([]byte, 20_000)}, {Body: make([]byte, 64), TTL: time.Hour}, {}} // in the ring
		for _, m := range late {
			mustSend(t, q, m)
		}
		want := []string{
			listed(1, "ready", 0, sent[1]), listed(2, "leased", 1, sent[2]), listed(3, "delayed", 1, sent[3]),
			listed(4, "ready", 1, sent[4]), listed(5, "ready", 0, sent[5]),
			listed(6, "ready", 0, late[0]), listed(7, "ready", 0, late[1]), listed(8, "ready", 0, late[2]),
		}
		if q.h.head == q.h.tail || q.h.ready == 0 {
			t.Fatalf("head %d, tail %d, ready %x: not both in ring and store", q.h.head, q.h.tail, q.h.ready)
		}
		before, err := os.ReadFile(q.o.File().Name())
		if err != nil {
			t.Fatal(err)
		}
		for language, program := range programs {
			title, got := listBy(t, program, q.o.File().Name())
			if want := fmt.Sprintf("8 messages of 12, bodies up to 20000, durable %d", q.made.Durable); title != want {
				t.Errorf("%s: %q, want %q", language, title, want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n%s\nwant\n%s", language, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		if after, err := os.ReadFile(q.o.File().Name()); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the readers have changed the queue; %v", err)
		}
	}
}

// What the readers list while messages come and go is whole.
func TestQueueIsReadWhileItChanges(t *testing.T) {
	programs := readers(t)
	q := newQueue(t, &Config{Capacity: 16, CapacityBytes: 32 << 10, MaxMessage: 4000})
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, i*7919%1500) }
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			err := q.Send(ctx, Outgoing{Body: body(i), Priority: i / 4 % 3, ID: fmt.Sprint(i)})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
	all.Go(func() {
		for ctx.Err() == nil {
			d, err := q.Lease(ctx, nil)
			if err == nil && rand.IntN(8) == 0 {
				err = d.Nack(ctx, 0)
			} else if err == nil {
				err = d.Ack(ctx)
			}
			if err == nil {
				_, _, err = q.TryReceive(nil)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
	defer all.Wait()
	defer cancel()
	seen := 0
	for language, program := range programs {
		for range ipctest.Count(100) {
			_, lines := listBy(t, program, q.o.File().Name())
			last := -1
			for _, line := range lines {
				var m struct{ position, priority, deliveries, size int }
				var state, id, sum string
				if _, err := fmt.Sscanf(line, "%d %s priority %d deliveries %d id %s size %d crc32c %s",
					&m.position, &state, &m.priority, &m.deliveries, &id, &m.size, &sum); err != nil {
					t.Fatalf("%s: %q: %v", language, line, err)
				}
				var number []byte
				var i int
				if _, err := fmt.Sscanf(id, "%x", &number); err != nil {
					t.Fatal(err)
				}
				if _, err := fmt.Sscan(string(number), &i); err != nil {
					t.Fatal(err)
				}
				if want := crc32.Checksum(body(i), castagnoli); sum != fmt.Sprintf("%08x", want) || m.priority != i/4%3 {
					t.Errorf("%s: %q is not message %d, %08x", language, line, i, want)
				}
				if m.position <= last {
					t.Errorf("%s lists position %d after %d", language, m.position, last)
				}
				last = m.position
				seen++
			}
		}
	}
	t.Logf("%d messages were listed", seen)
	if seen == 0 {
		t.Error("the readers have seen no message")
	}
}

// A queue whose bytes are anything is listed or refused; no reader crashes or runs on. A
// damaged message of a durable queue is reported.
func TestReadersOfDamagedQueues(t *testing.T) {
	programs := readers(t)
	path := newDurable(t, 6, &Config{Capacity: 6, CapacityBytes: 4096, MaxMessage: 1000, Slots: 4})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "damaged")
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-4096] ^= 1 // the first block, which message 1 has
	write(flipped)
	for language, program := range programs {
		if _, got := listBy(t, program, file); len(got) != 6 || got[1] != "1 damaged" {
			t.Errorf("%s: %q", language, got)
		}
	}
	for language, program := range programs {
		for round := range ipctest.Count(400) {
			damaged := bytes.Clone(whole)
			for range 1 + rand.IntN(40) {
				at := rand.IntN(len(damaged)/4) * 4
				if rand.IntN(2) == 0 {
					at = rand.IntN(64+1024+64+8*128) &^ 3
				}
				copy(damaged[at:], [][]byte{{0xff, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0x7f}, {1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 0}}[rand.IntN(5)])
			}
			if rand.IntN(8) == 0 {
				damaged = damaged[:rand.IntN(len(damaged))]
			}
			write(damaged)
			ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
			words := program(file).Args
			out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
			cancel()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1 || language == "Python" && !bytes.Contains(out, []byte("ValueError"))) {
				t.Fatalf("%s, round %d: %v: %s", language, round, err, out)
			}
		}
	}
}

// docs/formats.md has a row for each word of the head and of a slot, with its offset and
// size.
func TestFormatsListsTheLayout(t *testing.T) {
	page, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## Message queue\n")
	section, _, _ = strings.Cut(section, "\n## ")
	headTable, slotTable, both := strings.Cut(section, "\n### A slot")
	if !ok || !both {
		t.Fatal("docs/formats.md lacks the section, or its part on slots")
	}
	var check func(table string, base uintptr, v reflect.Type)
	check = func(table string, base uintptr, v reflect.Type) {
		for i := range v.NumField() {
			f := v.Field(i)
			switch {
			case f.Name == "_":
			case f.Anonymous, f.Name == "counts":
				check(table, base+f.Offset, f.Type)
			default:
				row := fmt.Sprintf("\n| %d | %d | ", base+f.Offset, f.Type.Size())
				if strings.Count(table, row) != 1 {
					t.Errorf("%s.%s: docs/formats.md lacks the row %q", v.Name(), f.Name, row)
				}
			}
		}
	}
	check(headTable, 0, reflect.TypeFor[head]())
	check(slotTable, 0, reflect.TypeFor[slot]())
}
