package pipe

import "os"

// endedBySIGPIPE is false: Windows has no signal for it.
func endedBySIGPIPE(*os.ProcessState) bool { return false }
