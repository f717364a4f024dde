package cli

import (
	"cmp"
	"net/url"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
	"golang.org/x/text/transform"
)

// streamFlags are the flags that serve and send share, and receive but for the
// direction.
type streamFlags struct {
	lines, message      bool
	direction, encoding string
	accessFlags
	tlsFlags
	json bool
}

func (o *streamFlags) register(cmd *cobra.Command, end tlsEnd) {
	o.registerForm(cmd, end)
	cmd.Flags().StringVar(&o.direction, "direction", "duplex", "the `WAY` at this end: in, out or duplex")
	cmd.RegisterFlagCompletionFunc("direction", cobra.FixedCompletions([]string{"in", "out", "duplex"}, cobra.ShellCompDirectiveNoFileComp))
}

// registerForm registers the flags that say what the bytes are.
func (o *streamFlags) registerForm(cmd *cobra.Command, end tlsEnd) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&o.lines, "lines", "l", false, "treat the stream as lines")
	f.BoolVarP(&o.message, "message", "m", false, "message mode: both ends must say so")
	f.StringVar(&o.encoding, "encoding", utf8Name, "the `ENCODING` on the way: utf-8 or utf-16le")
	o.registerTLS(cmd, end)
	f.BoolVar(&o.json, "json", false, "print JSON, one object per line")
	cmd.RegisterFlagCompletionFunc("encoding", cobra.FixedCompletions([]string{utf8Name, utf16leName}, cobra.ShellCompDirectiveNoFileComp))
}

// takeOptions takes what a URL's options say that flags say too.
func (o *streamFlags) takeOptions(t target) error {
	if t.query == "" {
		return nil
	}
	mode := t.options.Text("mode")
	t.options.Mode("mode") // one that is empty is wrong too
	if mode != "" && o.mode != "" {
		return usagef("--mode says what the option mode of %s says too; leave one out", t)
	}
	o.mode = cmp.Or(o.mode, mode)
	o.allow = append(o.allow, t.options.Texts("allow")...)
	o.trust = append(o.trust, t.options.Texts("trust")...)
	o.message = t.options.Bool("message") || o.message
	return t.optionError()
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
	if err := o.checkForm(t); err != nil {
		return nil, err
	}
	switch {
	case t.stream.oneWay && o.message:
		return nil, usagef("%s has no messages; use --lines", withArticle(t.noun))
	case t.stream.oneWay && o.direction != "duplex":
		return nil, usagef("%s has only one direction; leave --direction out", withArticle(t.noun))
	}
	return cfg, nil
}

func (o *streamFlags) checkForm(t target) error {
	if err := o.addTo(url.Values{}, t); err != nil {
		return err
	}
	switch {
	case o.encoding != utf8Name && o.encoding != utf16leName:
		return usagef("--encoding is %s or %s, not %q", utf8Name, utf16leName, o.encoding)
	case o.message && o.lines:
		return usagef("--lines and --message exclude each other")
	}
	return nil
}

// checkBytes checks the flags against what carries bytes, without messages, both ways.
func (o *streamFlags) checkBytes(t target) error {
	switch {
	case o.message:
		return usagef("%s has no messages; use --lines", withArticle(t.noun))
	case o.direction != "" && o.direction != "duplex":
		return usagef("%s has both directions; leave --direction out", withArticle(t.noun))
	}
	return nil
}

// encode puts text into the encoding that it has on its way.
func (o *streamFlags) encode(text string, newline bool) []byte {
	if newline {
		text += "\n"
	}
	b, _, _ := transform.Bytes(encoderOf(o.encoding), []byte(text)) // an error is not possible
	return b
}
