package breezeway

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// PortableNameLen is the length up to which a name works on every system,
	// in bytes.
	PortableNameLen = 64
	// MaxNameLen is the length that no name may exceed, in bytes. Between the
	// two it depends on the system and the kind of object; on Windows an upper-case
	// letter counts twice where the object is a file.
	MaxNameLen = 200
)

// CheckName reports whether name may name an object: 1 to [MaxNameLen] of
// A-Z a-z 0-9 . _ -, starting with a letter or digit. Its error wraps
// [os.ErrInvalid] and names the offending character.
//
// Names that differ name different objects, also if they differ only in upper and lower
// case or in a dot at the end. Windows makes one exception: named pipes ignore case
// there.
func CheckName(name string) error {
	if name == "" {
		return fmt.Errorf("the name is empty (%w)", os.ErrInvalid)
	}
	if len(name) > MaxNameLen {
		return fmt.Errorf("the name has %d bytes, at most %d are possible and %d are portable (%w)",
			len(name), MaxNameLen, PortableNameLen, os.ErrInvalid)
	}
	for i, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case i > 0 && (r == '.' || r == '_' || r == '-'):
		case r == utf8.RuneError:
			return fmt.Errorf("byte %d of the name is %#x, a name has only A-Z a-z 0-9 . _ - (%w)", i+1, name[i], os.ErrInvalid)
		case i == 0 && (r == '.' || r == '_' || r == '-'):
			return fmt.Errorf("the name starts with %q, it must start with a letter or digit (%w)", r, os.ErrInvalid)
		default:
			return fmt.Errorf("byte %d of the name is %q, a name has only A-Z a-z 0-9 . _ - (%w)", i+1, r, os.ErrInvalid)
		}
	}
	return nil
}

// printable keeps a name that another process chose from writing control
// characters or pages of text to the reader's terminal.
func printable(name string) string {
	const longest = 256
	cut := ""
	if len(name) > longest {
		name, cut = name[:longest], "…"
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		name = strconv.Quote(name)
	}
	return name + cut
}
