//go:build unix

package pipe

func (s *settings) supported() error {
	switch {
	case s.SDDL != "":
		return onlyWindows("SDDL")
	case s.Host != "":
		return onlyWindows("Host")
	case s.Remote:
		return onlyWindows("Remote")
	}
	return nil
}
