package object

import (
	"io/fs"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Names returns what follows prefix in the names of the files in dir, sorted.
func Names(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fail.Bare(err)
	}
	names := []string{}
	for _, e := range entries {
		name, ours := strings.CutPrefix(e.Name(), prefix)
		if ours && breezeway.CheckName(name) == nil && e.Type()&fs.ModeType == 0 {
			names = append(names, name)
		}
	}
	return names, nil
}
