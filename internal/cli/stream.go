package cli

import (
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
	"golang.org/x/text/transform"
)

// streamFlags are the flags that serve and send share.
type streamFlags struct {
	lines, message      bool
	direction, encoding string
	accessFlags
	json bool
}

func (o *streamFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.lines, "lines", "l", false, "treat the stream as lines")
	f.BoolVarP(&o.message, "message", "m", false, "message mode: both ends must say so")
	f.StringVar(&o.direction, "direction", "duplex", "the `WAY` at this end: in, out or duplex")
	f.StringVar(&o.encoding, "encoding", utf8Name, "the `ENCODING` on the way: utf-8 or utf-16le")
	f.BoolVar(&o.json, "json", false, "print JSON, one object per line")
	cmd.RegisterFlagCompletionFunc("direction", cobra.FixedCompletions([]string{"in", "out", "duplex"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("encoding", cobra.FixedCompletions([]string{utf8Name, utf16leName}, cobra.ShellCompDirectiveNoFileComp))
}

// config checks the flags against the target, and returns them as a pipe's.
func (o *streamFlags) config(t target) (*pipe.Config, error) {
	r, err := o.rule()
	if err != nil {
		return nil, err
	}
	cfg := &pipe.Config{Message: o.message, Mode: r.mode, Allow: r.allow, Trust: r.trust}
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
	switch {
	case o.message && o.lines:
		return nil, usagef("--lines and --message exclude each other")
	case t.stream.oneWay && o.message:
		return nil, usagef("%s has no messages; use --lines", withArticle(t.noun))
	case t.stream.oneWay && o.direction != "duplex":
		return nil, usagef("%s has only one direction; leave --direction out", withArticle(t.noun))
	}
	return cfg, nil
}

// encode puts text into the encoding that it has on its way.
func (o *streamFlags) encode(text string, newline bool) []byte {
	if newline {
		text += "\n"
	}
	b, _, _ := transform.Bytes(encoderOf(o.encoding), []byte(text)) // an error is not possible
	return b
}
