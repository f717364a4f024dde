//go:build unix && !linux

package ipcsync

// opens returns Stats.Open: this system doesn't tell.
func (Kind) opens(string, *settings) int { return -1 }
