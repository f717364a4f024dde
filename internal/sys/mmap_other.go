//go:build unix && !linux

package sys

const mapNoReserve = 0
