package ring

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// lookalike fills a message with what looks like words of records, at the places where
// records may begin later.
func lookalike(c *core, pos uint64, message []byte) {
	for i := range message {
		message[i] = byte(i)
	}
	for k := uint64(1); k*byteCell <= uint64(len(message)); k++ {
		at := pos + k + c.made.Cells*rand.Uint64N(2)
		w := wordOf(word(rand.Uint32N(4)), at, 1+rand.Uint64N(3))
		if w.state() == writing {
			w = writingBy(uint32(c.o.Me.Holder), 1+rand.Uint64N(3))
		}
		binary.NativeEndian.PutUint64(message[k*byteCell-wordSize:], uint64(w))
	}
}

// What stands in messages is never taken for a record, neither by those that are there nor by
// those that come after them.
func TestMessagesThatLookLikeRecords(t *testing.T) {
	for _, cfg := range []*Config{{}, {Shape: ManyToOne}, {Shape: Broadcast}, {Shape: Broadcast, Slow: SlowSkip}, {Shape: Broadcast, Slow: SlowDisconnect}} {
		cfg.CapacityBytes = 512
		b := newBytes(t, cfg)
		in := must[*BytesReceiver](t)(b.Receiver())
		out := must[*BytesSender](t)(b.Sender())
		var sent [][]byte
		most := 3
		if cfg.Slow != SlowBlock { // the one before would be dropped
			most = 1
		}
		for i := range ipctest.Count(2_000_000) {
			for len(sent) < most && rand.IntN(3) > 0 {
				n := rand.IntN(b.MaxMessage() + 1)
				l, ok, err := out.TryLoan(n)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				lookalike(b.c, l.pos, l.Bytes())
				sent = append(sent, bytes.Clone(l.Bytes()))
				if rand.IntN(8) == 0 { // given up for a shorter one
					n = rand.IntN(n + 1)
					sent[len(sent)-1] = sent[len(sent)-1][:n]
					old := sent[len(sent)-1]
					if l, ok, err = out.TryLoan(n); err != nil {
						t.Fatal(err)
					}
					if !ok {
						sent = sent[:len(sent)-1]
						break
					}
					copy(l.Bytes(), old)
				}
				if err := l.Send(); err != nil {
					t.Fatal(err)
				}
			}
			if rand.IntN(50) == 0 {
				if err := out.Close(); err != nil {
					t.Fatal(err)
				}
				out = must[*BytesSender](t)(b.Sender())
			}
			for len(sent) > 0 && rand.IntN(3) > 0 {
				ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
				s, err := in.Receive(ctx)
				cancel()
				if err != nil {
					t.Fatalf("%v, %v, round %d: a message of %d bytes is missing; %v", cfg.Shape, cfg.Slow, i, len(sent[0]), err)
				}
				if !bytes.Equal(s.Bytes(), sent[0]) {
					t.Fatalf("%v, %v, round %d: %d bytes came, %d were sent", cfg.Shape, cfg.Slow, i, len(s.Bytes()), len(sent[0]))
				}
				sent = sent[1:]
				if err := s.Release(); err != nil {
					t.Fatal(err)
				}
			}
			if len(sent) == 0 {
				if s, ok, err := in.TryReceive(); ok || err != nil {
					t.Fatalf("%v, %v, round %d: %d bytes come that were not sent; %v", cfg.Shape, cfg.Slow, i, len(s.Bytes()), err)
				}
				if rand.IntN(50) == 0 && cfg.Shape != Broadcast {
					if err := in.Close(); err != nil {
						t.Fatal(err)
					}
					in = must[*BytesReceiver](t)(b.Receiver())
				}
			}
		}
	}
}
