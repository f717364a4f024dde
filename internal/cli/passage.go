package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
	"golang.org/x/text/transform"
)

// passageFlags are the flags that serve and send share.
type passageFlags struct {
	lines, message      bool
	direction, encoding string
	accessFlags
	json bool
}

func (o *passageFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.lines, "lines", "l", false, "treat the stream as lines")
	f.BoolVarP(&o.message, "message", "m", false, "message mode: both ends must say so")
	f.StringVar(&o.direction, "direction", "duplex", "the `WAY` at this end: in, out or duplex")
	f.StringVar(&o.encoding, "encoding", utf8Name, "the `ENCODING` on the way: utf-8 or utf-16le")
	o.accessFlags.register(cmd)
	f.BoolVar(&o.json, "json", false, "print JSON, one object per line")
	cmd.RegisterFlagCompletionFunc("direction", cobra.FixedCompletions([]string{"in", "out", "duplex"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("encoding", cobra.FixedCompletions([]string{utf8Name, utf16leName}, cobra.ShellCompDirectiveNoFileComp))
}

// config checks the flags against the target, and returns them as a pipe's.
func (o *passageFlags) config(t target) (*pipe.Config, error) {
	cfg := &pipe.Config{Message: o.message, Allow: o.allow}
	switch o.direction {
	case "duplex":
	case "in":
		cfg.Direction = pipe.In
	case "out":
		cfg.Direction = pipe.Out
	default:
		return nil, usagef("--direction is in, out or duplex, not %q", o.direction)
	}
	if o.encoding != utf8Name && o.encoding != utf16leName {
		return nil, usagef("--encoding is %s or %s, not %q", utf8Name, utf16leName, o.encoding)
	}
	var err error
	if cfg.Mode, err = o.bits(); err != nil {
		return nil, err
	}
	switch {
	case o.message && o.lines:
		return nil, usagef("--lines and --message exclude each other")
	case t.scheme == "fifo" && o.message:
		return nil, usagef("a FIFO has no messages; use --lines")
	case t.scheme == "fifo" && o.direction != "duplex":
		return nil, usagef("a FIFO has only one direction, leave --direction out")
	}
	return cfg, nil
}

// event is what --json prints, one object per line. What does not apply is left
// out.
type event struct {
	Event      string    `json:"event"`
	Time       time.Time `json:"time"`
	URL        string    `json:"url,omitempty"`
	Address    string    `json:"address,omitempty"`
	Connection int       `json:"connection,omitempty"`
	Peer       *peerInfo `json:"peer,omitempty"`
	Text       *string   `json:"text,omitempty"`
	Base64     []byte    `json:"base64,omitempty"`
	Split      bool      `json:"split,omitempty"`
	Messages   *int      `json:"messages,omitempty"`
	Bytes      *int64    `json:"bytes,omitempty"`
	Size       int64     `json:"size,omitempty"`
	Offset     *int64    `json:"offset,omitempty"`
	Old        string    `json:"old,omitempty"`
	New        string    `json:"new,omitempty"`
	Drained    *bool     `json:"drained,omitempty"`
	Exit       *int      `json:"exit,omitempty"`
	Error      string    `json:"error,omitempty"`
}

type peerInfo struct {
	PID        int    `json:"pid"`
	User       string `json:"user"`
	Executable string `json:"executable,omitempty"`
}

func infoOf(p breezeway.Peer) *peerInfo {
	return &peerInfo{p.PID, p.User(), p.Executable}
}

// setText puts what arrived into the event; JSON can't carry what is not UTF-8.
func (e *event) setText(text string) {
	if utf8.ValidString(text) {
		e.Text = &text
	} else {
		e.Base64 = []byte(text)
	}
}

// String returns the event as a line of JSON.
func (e event) String() string { return jsonLine(e) }

// jsonLine returns v as a line of JSON without characters that could do something to
// a terminal.
func jsonLine(v any) string {
	var text, line strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // can't fail: no type of ours is one that JSON lacks
	for _, r := range text.String() {
		if r == '\n' || strconv.IsPrint(r) {
			line.WriteRune(r)
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&line, `\u%04x`, u)
		}
	}
	return line.String()
}

// encode puts text into the encoding that it has on its way.
func (o *passageFlags) encode(text string, newline bool) []byte {
	if newline {
		text += "\n"
	}
	b, _, _ := transform.Bytes(encoderOf(o.encoding), []byte(text)) // an error is not possible
	return b
}
