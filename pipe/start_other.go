//go:build unix && !linux

package pipe

import "os/exec"

// startSignalled leaves it to the child to watch the lifeline.
func startSignalled(cmd *exec.Cmd) error { return cmd.Start() }
