//go:build unix && !linux

package local

import "io/fs"

// socketID identifies the file that stands for a socket.
type socketID struct{}

func socketIDOf(fs.FileInfo) socketID { return socketID{} }

// listeningSockets returns nothing: this system doesn't list its sockets.
func listeningSockets() map[socketID]listeningSocket { return nil }
