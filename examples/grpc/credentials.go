package main

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// processCredentials leaves the bytes as they are, since they do not leave the machine, and
// lets a method see the process at the other end. The listener has refused other users'
// processes before.
type processCredentials struct{}

// process is the [credentials.AuthInfo] of a connection with processCredentials.
type process struct {
	credentials.CommonAuthInfo
	breezeway.Peer
}

func (process) AuthType() string { return "process" }

func (processCredentials) handshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	info := process{Peer: breezeway.Peer{UID: -1, GID: -1}}
	info.SecurityLevel = credentials.NoSecurity
	if known, ok := c.(interface{ Peer() breezeway.Peer }); ok {
		info.Peer = known.Peer()
		info.SecurityLevel = credentials.PrivacyAndIntegrity
	}
	return c, info, nil
}

func (p processCredentials) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return p.handshake(c)
}

func (p processCredentials) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return p.handshake(c)
}

func (processCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "process"}
}

func (p processCredentials) Clone() credentials.TransportCredentials { return p }

func (processCredentials) OverrideServerName(string) error { return nil }

// callerOf returns the process that called a method, given the method's context.
func callerOf(ctx context.Context) breezeway.Peer {
	p, _ := peer.FromContext(ctx)
	return p.AuthInfo.(process).Peer
}
