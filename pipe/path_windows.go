package pipe

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/breezeway-ipc/breezeway"
)

// thisMachine begins the path of every pipe of this machine.
const thisMachine = `\\.\pipe\`

// maxPath is how many UTF-16 units the path of a pipe may have.
const maxPath = 256

// pathOf returns the pipe's full path. A full path is taken as it is; it may
// hold characters that a portable name may not.
func pathOf(name, host string) (string, error) {
	path := name
	if strings.HasPrefix(name, `\\`) {
		if host != "" {
			return "", fmt.Errorf("Config.Host is set, but the path names a machine itself (%w)", os.ErrInvalid)
		}
		machine, rest, _ := strings.Cut(name[2:], `\`)
		root, base, _ := strings.Cut(rest, `\`)
		if machine == "" || !strings.EqualFold(root, "pipe") || base == "" || strings.Contains(name, "\x00") {
			return "", fmt.Errorf(`a pipe's full path is \\.\pipe\NAME or \\HOST\pipe\NAME (%w)`, os.ErrInvalid)
		}
	} else {
		if err := breezeway.CheckName(name); err != nil {
			return "", err
		}
		if host == "" {
			host = "."
		}
		if strings.ContainsAny(host, "\\/\x00") {
			return "", fmt.Errorf("Config.Host %q is not a machine's name (%w)", host, os.ErrInvalid)
		}
		path = `\\` + host + `\pipe\` + name
	}
	if n := len(utf16.Encode([]rune(path))); n > maxPath {
		return "", fmt.Errorf("the path has %d characters, a pipe's has at most %d (%w)", n, maxPath, os.ErrInvalid)
	}
	return path, nil
}

// localName returns the name that follows \\.\pipe\ in path, or "" if the pipe
// is another machine's.
func localName(path string) string {
	if len(path) > len(thisMachine) && strings.EqualFold(path[:len(thisMachine)], thisMachine) {
		return path[len(thisMachine):]
	}
	return ""
}
