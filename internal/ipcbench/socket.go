package ipcbench

import (
	"context"
	"net"
)

// unixSocket and tcpSocket are sockets of package net, as every Go program has them.
var (
	unixSocket = transport{
		name:     "unix",
		style:    3,
		cantSpin: because(noSpin),
		serve:    func(e *end) (link, error) { return acceptSocket(e, "unix", e.path("unix")) },
		dial:     func(e *end) (link, error) { return dialSocket(e, "unix") },
	}
	tcpSocket = transport{
		name:     "tcp",
		style:    4,
		cantSpin: because(noSpin),
		serve:    func(e *end) (link, error) { return acceptSocket(e, "tcp", "127.0.0.1:0") },
		dial:     func(e *end) (link, error) { return dialSocket(e, "tcp") },
	}
)

func acceptSocket(e *end, network, address string) (link, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	defer context.AfterFunc(e.ctx, func() { l.Close() })()
	e.ready(l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		return nil, err
	}
	return newStream(e, c, c), nil
}

func dialSocket(e *end, network string) (link, error) {
	c, err := new(net.Dialer).DialContext(e.ctx, network, e.address)
	if err != nil {
		return nil, err
	}
	return newStream(e, c, c), nil
}
