package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// linkHelp is the rule of all verbs for paths; see resolve, locate and packages pipe and
// object.
const linkHelp = `Symbolic links in a path are followed, but refused if another user made or could replace
one. Nothing is created or removed where the last of them leads, and no named pipe is served
there. (On Windows links to folders are always followed.)`

// resolveOrLocate returns the path of what exists, or where it is to be created, without
// symbolic links. A link to nothing is refused.
func resolveOrLocate(path string) (string, error) {
	target, err := resolve(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return target, nil // an error is for the caller to meet
	}
	at, err := locate(path)
	if err == nil && at != target {
		err = fmt.Errorf("%s is a symbolic link to nothing, and nothing is created where a link leads; give the path %s (%w)", path, target, fs.ErrNotExist)
	}
	return at, err
}
