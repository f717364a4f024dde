package python

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// The literals of Python that a .npy header is made of: strings, integers, True,
// False, None, tuples, lists and dicts with strings for keys. They become string,
// int, bool, nil, pyTupleValue, []any and pyDict.
type (
	pyTupleValue []any
	pyDict       map[string]any
)

// parsePython reads one literal, which may be followed by space. It comes from
// another process, and may be anything.
func parsePython(text string) (v any, err error) {
	p := pyParser{rest: text}
	if v, err = p.value(0); err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, fmt.Errorf("%.20q follows", p.rest)
	}
	return v, nil
}

type pyParser struct{ rest string }

func (p *pyParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// accept takes s if it comes next, after space.
func (p *pyParser) accept(s string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *pyParser) value(depth int) (any, error) {
	const deepest = 32
	if depth > deepest {
		return nil, errors.New("it is nested too deep")
	}
	p.space()
	if p.rest == "" {
		return nil, errors.New("it ends early")
	}
	switch c := p.rest[0]; {
	case c == '\'' || c == '"':
		return p.str()
	case p.accept("True"):
		return true, nil
	case p.accept("False"):
		return false, nil
	case p.accept("None"):
		return nil, nil
	case p.accept("("):
		return p.tuple(depth)
	case p.accept("["):
		items, _, err := p.items("]", depth)
		return items, err
	case p.accept("{"):
		return p.dict(depth)
	case c == '-' || '0' <= c && c <= '9':
		end := 1
		for end < len(p.rest) && '0' <= p.rest[end] && p.rest[end] <= '9' {
			end++
		}
		digits := p.rest[:end]
		p.rest = p.rest[end:]
		n, err := strconv.Atoi(digits)
		if err != nil { // whose text has all the digits
			return nil, fmt.Errorf("%.20q is no integer of 64 bits", digits)
		}
		return n, nil
	}
	return nil, fmt.Errorf("%.20q is unexpected", p.rest)
}

// tuple reads a tuple, or a value in parentheses.
func (p *pyParser) tuple(depth int) (any, error) {
	items, comma, err := p.items(")", depth)
	if err == nil && len(items) == 1 && !comma {
		return items[0], nil
	}
	return pyTupleValue(items), err
}

// items reads values up to end, and reports whether a comma came last.
func (p *pyParser) items(end string, depth int) (items []any, comma bool, err error) {
	items = []any{}
	for !p.accept(end) {
		if len(items) > 0 && !comma {
			return nil, false, errors.New("a comma is missing")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, false, err
		}
		items = append(items, v)
		comma = p.accept(",")
	}
	return items, comma, nil
}

func (p *pyParser) dict(depth int) (any, error) {
	d := pyDict{}
	comma := true
	for !p.accept("}") {
		if !comma {
			return nil, errors.New("a comma is missing")
		}
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok || !p.accept(":") {
			return nil, errors.New("a dict needs strings for keys")
		}
		if d[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		comma = p.accept(",")
	}
	return d, nil
}

// str reads a string in quotes of either kind. Of the escapes numpy needs those
// of quotes and backslashes.
func (p *pyParser) str() (string, error) {
	quote := p.rest[0]
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\':
			if i++; i == len(p.rest) || strings.IndexByte(`\'"`, p.rest[i]) < 0 {
				return "", errors.New("a string has an escape that is not known")
			}
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a string does not end")
}

// pyRepr writes a value as Python does.
func pyRepr(v any) string {
	switch v := v.(type) {
	case string:
		return pyString(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case pyTupleValue:
		if len(v) == 1 {
			return "(" + pyRepr(v[0]) + ",)"
		}
		return "(" + pyList(v) + ")"
	case []any:
		return "[" + pyList(v) + "]"
	case pyDict:
		var items []string
		for k, v := range v {
			items = append(items, pyString(k)+": "+pyRepr(v))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ", ") + "}"
	}
	return "None"
}

func pyList(values []any) string {
	var items []string
	for _, v := range values {
		items = append(items, pyRepr(v))
	}
	return strings.Join(items, ", ")
}

func pyTuple(shape []int) string {
	var t pyTupleValue
	for _, n := range shape {
		t = append(t, n)
	}
	return pyRepr(t)
}

// pyString quotes as Python's repr does, for text that needs few escapes.
func pyString(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote).Replace(s) + quote
}
