package mmap

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

func TestMapSection(t *testing.T) {
	h, err := sys.CreateSection(`Local\`+ipctest.UniqueName(), 5000, nil)
	if err != nil {
		t.Fatal(err)
	}
	section := os.NewFile(uintptr(h), "section")
	defer section.Close()
	m := mustMap(t, section, &Config{Length: 5000})
	same := mustMap(t, section, &Config{ReadOnly: true})
	if m.Len() != 5000 || same.Len() < 5000 || m.Name() != "section" {
		t.Errorf("%d and %d bytes of %q", m.Len(), same.Len(), m.Name())
	}
	if err := Write(m, 4996, uint32(7)); err != nil {
		t.Fatal(err)
	}
	if v, err := Read[uint32](same, 4996); v != 7 || err != nil {
		t.Error(v, err)
	}
	part := mustMap(t, section, &Config{Length: 100, Populate: true}) // of the first of two pages
	if part.Len() != 100 {
		t.Errorf("%d bytes", part.Len())
	}
	for _, c := range []Config{{Offset: 1}, {Capacity: 10_000}, {Length: 1 << 30}} {
		_, err := Map(section, &c)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}
