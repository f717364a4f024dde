//go:build unix && !linux

package sys

const (
	mapPopulate  = 0
	mapNoReserve = 0
)
