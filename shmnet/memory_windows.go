package shmnet

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/windows"
)

// origin is the section that the memory is. It has a name until both ends have closed their
// handles of it. The name can't be guessed, and the security descriptor, which the system
// enforces, admits the two users only, besides the superuser.
//
// DuplicateHandle would need no name. But it takes PROCESS_DUP_HANDLE, which is as much as
// all rights over the other process; it goes by a process id, which may have been used
// again; and the client could not tell the number that it is sent from a handle of its own.
type origin struct {
	id      sectionID
	section windows.Handle // 0 if there is none
}

// sectionID is what the server says of the section's name. All else of the name is fixed,
// so that no server has its client open what isn't a connection's memory.
type sectionID [16]byte

// names returns the full names that the section may have. A client in another log-on
// session finds the second one.
func (id sectionID) names() (local, global string) {
	name := prefix + hex.EncodeToString(id[:])
	return `Local\` + name, `Global\` + name
}

func (o *origin) forget() {
	if o.section != 0 {
		windows.CloseHandle(o.section)
		o.section = 0
	}
}

// makeMemory makes the memory that a server offers to the client at the other end of door.
func makeMemory(h hello, door *pipe.Conn, s *settings) (*memory, error) {
	security, err := memorySecurity(door.Peer())
	if err != nil {
		return nil, err
	}
	var o origin
	rand.Read(o.id[:])
	local, global := o.id.names()
	err = fs.ErrPermission
	if s.Scope == breezeway.Machine {
		o.section, err = sys.CreateReservedSection(global, int64(h.memorySize()), security)
	}
	// Making a global name is a privilege. Without it clients of this session are served.
	if errors.Is(err, fs.ErrPermission) {
		o.section, err = sys.CreateReservedSection(local, int64(h.memorySize()), security)
	}
	if err != nil {
		return nil, err
	}
	return mapSection(o, h)
}

// memorySecurity admits this process's user, the superuser, and the client's user if that
// is known.
func memorySecurity(client breezeway.Peer) (*windows.SecurityAttributes, error) {
	var allow []string
	if client.SID != "" {
		allow = append(allow, client.SID)
	}
	rule, err := access.New(0, allow, nil)
	if err != nil {
		return nil, err
	}
	return rule.SecurityAttributes(fmt.Sprintf("%#x", sys.ReservedSectionRights))
}

// takeMemory takes over what a server offers.
func takeMemory(o origin, h hello) (*memory, error) {
	local, global := o.id.names()
	var err error
	o.section, err = sys.OpenReservedSection(local)
	if errors.Is(err, fs.ErrNotExist) {
		o.section, err = sys.OpenReservedSection(global)
	}
	if err != nil {
		return nil, fmt.Errorf("the server's memory can't be opened from here (another user or log-on session, or a sandbox): %w", err)
	}
	if err := checkSection(o.section, h); err != nil {
		o.forget()
		return nil, err
	}
	return mapSection(o, h)
}

// checkSection refuses what could fault or isn't as large as it is said to be. A section
// can't shrink, and what is committed of one that the paging file backs stays so: no access
// to it can fault.
func checkSection(section windows.Handle, h hello) error {
	info, err := sys.QuerySection(section)
	switch {
	case err != nil:
		return err
	case info.OfFile():
		return fmt.Errorf("the server offers a file that is no memory (%w)", breezeway.ErrMismatch)
	case info.Size != int64(h.memorySize()):
		return fmt.Errorf("the server offers %d bytes of memory and says %d (%w)", info.Size, h.memorySize(), breezeway.ErrMismatch)
	}
	return nil
}

// mapSection maps the section, of which the size is known, and takes it over.
func mapSection(o origin, h hello) (*memory, error) {
	b, err := sys.MapSection(o.section, 0, h.memorySize(), sys.ReadWrite)
	if err == nil {
		if err = sys.CommitMemory(b[:controlSize]); err != nil {
			sys.Unmap(b)
		}
	}
	if err != nil {
		o.forget()
		return nil, err
	}
	return &memory{origin: o, b: b}, nil
}

// unmap gives the address range back.
func (m *memory) unmap() {
	m.forget()
	_ = sys.Unmap(m.b) // of a range that is mapped, nothing can be wrong with it
}
