package shmnet

import "github.com/breezeway-ipc/breezeway"

// pipeName returns the name of the named pipe that connections are set up over.
func pipeName(name string) (string, error) {
	return prefix + name, breezeway.CheckName(name)
}
