package ipcbench

// Mode is how both processes wait.
type Mode string

const (
	// Spin is to look again and again, which keeps a processor busy.
	Spin Mode = "spin"
	// Park is to sleep until the system wakes the process.
	Park Mode = "park"
)
