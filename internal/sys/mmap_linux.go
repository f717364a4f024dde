package sys

import "golang.org/x/sys/unix"

const (
	mapPopulate  = unix.MAP_POPULATE
	mapNoReserve = unix.MAP_NORESERVE
)
