package object

import (
	"fmt"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway"
)

// maxFileName is how many bytes a file's name may have on every system.
const maxFileName = 255

// fileName returns the name of the file of our own object of a kind and name. Two names
// are two files, also where the system takes upper and lower case for the same and drops
// a dot at the end: there the object's name is escaped. What precedes it keeps the file
// from being a device, such as NUL.
func fileName(kind, name string) (string, error) {
	file := prefix(kind) + name
	if foldsNames {
		file = prefix(kind) + escapeName(name)
	}
	if len(file) > maxFileName {
		return "", fmt.Errorf("the name has %d bytes, and its file's name would have %d, since the system takes upper and lower case for the same: at most %d are possible; use fewer upper-case letters (%w)",
			len(name), len(file), maxFileName, os.ErrInvalid)
	}
	return file, nil
}

// objectName returns the name of the object of a kind that a file stands for, and false
// if it stands for none.
func objectName(kind, file string) (name string, ok bool) {
	name, ok = strings.CutPrefix(file, prefix(kind))
	if ok && foldsNames {
		name, ok = unescapeName(name)
	}
	return name, ok && breezeway.CheckName(name) == nil
}

// prefix is what the names of our own objects of a kind begin with.
func prefix(kind string) string { return "bw." + kind + "." }

// escape is part of no object's name.
const escape = '^'

// escapeName writes an upper-case letter as ^ and the lower-case one, and ^ after a dot
// at the end.
func escapeName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte(escape)
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	if strings.HasSuffix(name, ".") {
		b.WriteByte(escape)
	}
	return b.String()
}

// unescapeName reverses escapeName, and returns false for what that never returns.
func unescapeName(text string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == escape && i+1 < len(text) {
			i++
			c = text[i] - ('a' - 'A')
		}
		if c != escape {
			b.WriteByte(c)
		}
	}
	return b.String(), escapeName(b.String()) == text
}
