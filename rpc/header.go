package rpc

import (
	"bytes"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/breezeway-ipc/breezeway"
)

// header is what has been read of a message's header.
type header struct {
	size     int  // bytes
	length   int  // of the body, -1 if it hasn't been said
	typed    bool // there was a Content-Type
	complete bool
}

var noHeader = header{length: -1}

// take takes a line, with its end. limit returns the size of the largest body.
func (h *header) take(line []byte, limit func() int) error {
	h.size += len(line)
	line, ended := bytes.CutSuffix(line, []byte("\r\n"))
	if !ended {
		return malformed("a line of a header ends without CR LF")
	}
	if len(line) == 0 {
		if h.length < 0 {
			return malformed("a header lacks Content-Length")
		}
		h.complete = true
		return nil
	}
	key, value, ok := bytes.Cut(line, []byte{':'})
	value = bytes.TrimSpace(value)
	switch {
	case ok && bytes.EqualFold(key, []byte("Content-Length")) && h.length < 0:
		return h.takeLength(value, limit())
	case ok && bytes.EqualFold(key, []byte("Content-Type")) && !h.typed:
		if h.typed = true; !isJSON(string(value)) {
			return malformed("Content-Type %q is not JSON in UTF-8", value)
		}
		return nil
	case isHTTP(line):
		return errHTTP
	}
	return malformed("a header has Content-Length and perhaps Content-Type, each once, not %q", clip(line))
}

func (h *header) takeLength(text []byte, limit int) error {
	for _, digit := range text {
		if digit < '0' || digit > '9' { // ParseUint takes a sign and underscores
			return malformed("Content-Length %q is no number", clip(text))
		}
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	switch {
	case len(text) == 0:
		return malformed("Content-Length is empty")
	case err != nil || n > uint64(limit):
		return fmt.Errorf("a message of %s bytes exceeds the limit of %d (%w)", clip(text), limit, breezeway.ErrTooLarge)
	}
	h.length = int(n)
	return nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf(format+" (%w)", append(args, breezeway.ErrMismatch)...)
}

// clip bounds what is quoted of foreign bytes.
func clip(line []byte) []byte { return line[:min(len(line), 64)] }

// isHTTP reports whether a line is HTTP's request line.
func isHTTP(line []byte) bool {
	words := bytes.Fields(line)
	return len(words) == 3 && bytes.HasPrefix(words[2], []byte("HTTP/"))
}

func isJSON(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	charset := strings.ToLower(params["charset"])
	return (kind == "application/vscode-jsonrpc" || kind == "application/json-rpc" || kind == "application/json") &&
		(charset == "" || charset == "utf-8" || charset == "utf8") // some clients say utf8
}
