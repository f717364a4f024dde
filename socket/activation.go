package socket

import (
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Activated returns a listener that systemd, or another program with its protocol
// (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES), made before it started this one. name is the
// FileDescriptorName= of its socket unit; "" stands for the only one. Each is returned
// once. With cfg.TLS a TCP socket becomes a "tls" listener.
//
// The socket is the other program's: Close removes no file, and clients may come as soon
// as that program has it, which starts this one again. Its mode is systemd's SocketMode=;
// which users are admitted is still cfg's to say, so that a socket for all has
// Mode: 0o666 here too.
//
// It fails with [os.ErrNotExist] if no such listener was passed, so that a program can call
// [Listen] instead, with [breezeway.ErrMismatch] if it is no listening socket, and with
// [errors.ErrUnsupported] on other systems than Linux.
func Activated(name string, cfg *Config) (*Listener, error) {
	l, err := activated(name, cfg)
	return l, fail.With(breezeway.OpInherited, "socket", name, err)
}
