//go:build race

package ipctest

const raceEnabled = true
