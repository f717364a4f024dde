package socket

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// transport is what Listen and Dial know of a network.
type transport struct {
	name    string
	local   bool // Unix sockets
	packets bool
	tls     bool
}

var transports = []transport{
	{name: "unix", local: true},
	{name: "unixpacket", local: true, packets: true},
	{name: "tcp"},
	{name: "tls", tls: true},
}

func transportOf(name string) (transport, error) {
	i := slices.IndexFunc(transports, func(n transport) bool { return n.name == name })
	if i < 0 {
		return transport{name: "socket"}, fmt.Errorf("no network %q; these exist: unix, unixpacket, tcp, tls (%w)", name, os.ErrInvalid)
	}
	return transports[i], nil
}

// isAbstract reports whether a Unix socket's address is no path.
func isAbstract(address string) bool { return strings.HasPrefix(address, "@") }

func isPort(port string) bool {
	_, err := net.LookupPort("tcp", port)
	return err == nil
}

// checkHostPort refuses a listener's address that leaves open which machines reach it.
func checkHostPort(address string) error {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return fmt.Errorf("an address is HOST:PORT (%w): %w", os.ErrInvalid, fail.Bare(err))
	case !isPort(port):
		return fmt.Errorf("%q is no port; give a number from 0 to 65535, or a service's name (%w)", port, os.ErrInvalid)
	case host == "":
		return fmt.Errorf("the host is missing: 127.0.0.1%s is for this machine, 0.0.0.0%[1]s for every one that reaches it (%w)", address, os.ErrInvalid)
	}
	return nil
}
