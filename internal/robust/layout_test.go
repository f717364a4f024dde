package robust

import (
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/layout"
)

func TestLayoutSize(t *testing.T) {
	for _, c := range []struct {
		layout Layout
		want   int64
	}{
		{Layout{Kind: "a"}, 64 + 64 + 504*16},
		{Layout{Kind: "a", Slots: 504, Head: 64}, 64 + 64 + 504*16},
		{Layout{Kind: "a", Slots: 1}, 64 + 64 + 64},
		{Layout{Kind: "a", Slots: 5, Head: 128, Body: 10}, 64 + 128 + 128 + 10},
		{Layout{Kind: "a", Slots: MaxSlots}, 64 + 64 + 65536*16},
		{Layout{Kind: "a", Slots: -1}, 0},
		{Layout{Kind: "a", Slots: MaxSlots + 1}, 0},
	} {
		if got := c.layout.Size(); got != c.want {
			t.Errorf("%+v takes %d bytes, want %d", c.layout, got, c.want)
		}
	}
}

func TestLayoutFound(t *testing.T) {
	ours := Layout{Kind: "a", Head: CacheLine, Slots: 504, Body: 10}
	for what, c := range map[string]struct {
		slots   uint32
		payload int64
		body    int64 // -1: refused
	}{
		"ours":              {504, ours.body() + 10, 10},
		"another creator's": {5, 64 + 128 + 1000, 1000},
		"no body":           {4, 64 + 64, 0},
		"no slots":          {0, 1 << 20, -1},
		"too many slots":    {MaxSlots + 1, 1 << 30, -1},
		"negative as int32": {1 << 31, 1 << 40, -1},
		"all bits":          {1<<32 - 1, 1 << 40, -1},
		"payload too small": {504, ours.body() - 1, -1},
		"no payload":        {1, 0, -1},
		"negative payload":  {1, -1, -1},
		"the largest":       {1, 1<<63 - 1, 1<<63 - 1 - 128},
	} {
		found, err := ours.found(&layout.Header{Slots: c.slots, Payload: c.payload})
		switch {
		case c.body < 0:
			wantIs(t, err, breezeway.ErrMismatch)
		case err != nil || found.Slots != int(c.slots) || found.Body != c.body || found.Head != ours.Head:
			t.Errorf("%s: %+v, %v", what, found, err)
		}
	}
}
