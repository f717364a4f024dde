package layout

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Describe returns what two programs must agree on to share a value of type t:
// its size and, a line each, every number in it with offset, kind and path.
//
//	size 32
//	0 uint64 Count
//	8 float32 Point.X
//	12 float32 Point.Y
//	16 int16 Pairs[4:4].A
//	18 int16 Pairs[4:4].B
//
// Pairs is an array of 4 elements, 4 bytes apart; the offset is that of the first. A
// number that is not in a struct has the path ".", or only brackets. int and uint
// are described as int64 and uint64, and names of types don't matter.
//
// Precondition: t has passed plain.Check.
func Describe(t reflect.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "size %d\n", t.Size())
	describe(&b, t, 0, "")
	return b.String()
}

func describe(b *strings.Builder, t reflect.Type, offset uintptr, path string) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name := f.Name
			if path != "" {
				name = path + "." + name
			}
			describe(b, f.Type, offset+f.Offset, name)
		}
	case reflect.Array:
		if t.Len() > 0 {
			describe(b, t.Elem(), offset, fmt.Sprintf("%s[%d:%d]", path, t.Len(), t.Elem().Size()))
		}
	default:
		if path == "" {
			path = "."
		}
		fmt.Fprintf(b, "%d %s %s\n", offset, numberKind(t), path)
	}
}

func numberKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "int64"
	case reflect.Uint:
		return "uint64"
	}
	return t.Kind().String()
}

// difference says how the description there differs from the one here. there comes
// from another process, and may be any text.
func difference(there, here string) string {
	theirs, ours := strings.Split(there, "\n"), strings.Split(here, "\n")
	sizes := ""
	if theirs[0] != ours[0] {
		sizes = fmt.Sprintf(" (%s there, %s here)", quoted(theirs[0]), ours[0])
	}
	for i := 1; ; i++ {
		their, our := line(theirs, i), line(ours, i)
		switch {
		case their == "" && our == "":
			return "the types have other sizes" + sizes
		case their == our:
			continue
		case their == "":
			return fmt.Sprintf("field %s is %s here and missing there%s", field(our), where(our), sizes)
		case our == "":
			return fmt.Sprintf("field %s is %s there and missing here%s", quoted(field(their)), quoted(where(their)), sizes)
		case field(their) == field(our):
			return fmt.Sprintf("field %s is %s there and %s here%s", field(our), quoted(where(their)), where(our), sizes)
		}
		return fmt.Sprintf("field %s, %s, stands there where here is field %s, %s%s",
			quoted(field(their)), quoted(where(their)), field(our), where(our), sizes)
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// field returns the path in a line of a description.
func field(line string) string {
	return line[strings.LastIndexByte(line, ' ')+1:]
}

// where returns kind and offset in a line of a description.
func where(line string) string {
	words := strings.SplitN(line, " ", 3)
	if len(words) < 3 {
		return line
	}
	return words[1] + " at byte " + words[0]
}

// quoted shortens and quotes text of another process.
func quoted(s string) string {
	const longest = 100
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
