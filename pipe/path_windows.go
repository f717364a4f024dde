package pipe

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/windows"
)

// thisMachine begins the path of every pipe of this machine.
const thisMachine = `\\.\pipe\`

// maxPath is how many UTF-16 units the path of a pipe may have.
const maxPath = 256

// pathOf returns the pipe's full path. One that is full already may hold
// characters that a portable name may not.
func pathOf(name, host string) (path string, err error) {
	if strings.HasPrefix(name, `\\`) {
		path, err = fullPath(name, host)
	} else {
		path, err = pathOn(host, name)
	}
	if n := len(utf16.Encode([]rune(path))); n > maxPath {
		return "", fmt.Errorf("the path has %d characters, a pipe's has at most %d (%w)", n, maxPath, os.ErrInvalid)
	}
	return path, err
}

func pathOn(host, name string) (string, error) {
	if err := breezeway.CheckName(name); err != nil {
		return "", err
	}
	if host == "" {
		return thisMachine + name, nil
	}
	if strings.ContainsAny(host, "\\/\x00") {
		return "", fmt.Errorf("%s %q is not a machine's name (%w)", fail.Go("Config.Host"), host, os.ErrInvalid)
	}
	return `\\` + host + `\pipe\` + name, nil
}

// fullPath brings a path into the form that the system gives it before it uses
// it. After that it must still be a pipe's: dots can lead out to files.
func fullPath(name, host string) (string, error) {
	if host != "" {
		return "", fmt.Errorf("%s is set, but the path names a machine itself (%w)", fail.Go("Config.Host"), os.ErrInvalid)
	}
	path, err := windows.FullPath(name)
	if err != nil {
		return "", fmt.Errorf("not a path (%w): %w", os.ErrInvalid, err)
	}
	machine, rest, _ := strings.Cut(strings.TrimPrefix(path, `\\`), `\`)
	root, base, _ := strings.Cut(rest, `\`)
	if machine == "" || machine == "?" || !strings.EqualFold(root, "pipe") || base == "" {
		return "", fmt.Errorf(`a pipe's full path is \\.\pipe\NAME or \\HOST\pipe\NAME (%w)`, os.ErrInvalid)
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
