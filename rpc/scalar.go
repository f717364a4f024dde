package rpc

import (
	"bytes"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// decodeScalar decodes valid JSON into a value of a predeclared scalar type, and reports
// false if that isn't so simple. Package encoding/json does it, too, but takes
// several times as long.
func decodeScalar(text []byte, target reflect.Value) bool {
	if target.Type().PkgPath() != "" { // it may have an UnmarshalJSON
		return false
	}
	switch kind := target.Kind(); {
	case kind == reflect.String:
		n := len(text)
		if n < 2 || text[0] != '"' || bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) {
			return false
		}
		target.SetString(string(text[1 : n-1]))
	case kind == reflect.Bool:
		if string(text) != "true" && string(text) != "false" {
			return false
		}
		target.SetBool(string(text) == "true")
	case target.CanInt():
		n, err := strconv.ParseInt(string(text), 10, target.Type().Bits())
		if err != nil {
			return false
		}
		target.SetInt(n)
	case target.CanUint():
		n, err := strconv.ParseUint(string(text), 10, target.Type().Bits())
		if err != nil {
			return false
		}
		target.SetUint(n)
	default:
		return false
	}
	return true
}
