//go:build killpoints

package killpoint

import "os"

// Env is the environment variable that names the point at which a process is
// killed.
const Env = "BREEZEWAY_KILLPOINT"

var armed = os.Getenv(Env)

// At makes this process die at the point name from now on.
func At(name string) { armed = name }

// Here kills this process, as kill -9 does, if its point was chosen.
func Here(name string) {
	if name != armed {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until the signal arrives
}
