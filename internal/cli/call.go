package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/rpc"
	"github.com/spf13/cobra"
)

// tokenVariable is the environment variable with the token for a server.
const tokenVariable = "IPC_TOKEN"

func newCall() *cobra.Command {
	c := &call{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "call URL [METHOD [ARGUMENT]...]",
		Short: "Call a method of an object that a process serves",
		Long: `call waits for a server at a URL, calls a method of an object there, and prints the result
as JSON. The server is a Go program with package rpc, or any other that speaks JSON-RPC 2.0
with Content-Length headers, as language servers do.

The object is named by the path of the URL, or after #, as in tcp://localhost:8085/Calc and
unix:///run/app.sock#Calc. Without one METHOD is the whole name.

Each ARGUMENT is JSON: -1, true, '"text"', '{"X": 1}'. One that is - stands for standard
input, and @FILE for what is in a file, which are JSON too.

--list prints what the server has, if it is a Go program with package rpc.
--stream prints each item of a method that yields several as soon as it comes.
--notify sends a notification: there is no result, and no error.

A server may ask for a token. It is in the file of --token-file, or in the environment
variable ` + tokenVariable + `. It is never an argument: other users can see those.

call exits with 1 if the method fails, and with 3 if --timeout ended the wait for the server
or for the result; the server is then told to cancel the call.

With --json each line is an object with one of these fields:
  result, item  as the server sent it
  error         code, message and data
  objects       what --list found: names, methods, schemas of arguments and results`,
		Example: `  ipc call pipe://app --list
  ipc call pipe://app/Calc Add 1 -2
  ipc call pipe:///tmp/app.sock#Log Write '"started"' --notify
  ipc call pipe://app/Calc Count 1000000 --stream | head -3
  IPC_TOKEN=$(pass app) ipc call pipe://app/Admin Stop`,
		Args:              takes(1, math.MaxInt, "a URL, such as pipe://app/Calc, a method, and its arguments as JSON"),
		ValidArgsFunction: completeURL("call"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], args[1:])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&c.list, "list", false, "print the objects and methods of the server")
	f.BoolVar(&c.stream, "stream", false, "print the items of a method that yields several as they come")
	f.BoolVar(&c.notify, "notify", false, "send a notification: wait for no result")
	f.StringVar(&c.tokenFile, "token-file", "", "the `FILE` with the token that the server asks for")
	f.BoolVar(&c.json, "json", false, "print JSON, one object per line")
	c.registerTrust(cmd)
	c.registerTLS(cmd, tlsClient)
	f.VarP((*waitLimit)(&c.timeout), "timeout", "t", "give up after TIME, such as 3 (seconds) or 300ms")
	return cmd
}

// call is one run of call.
type call struct {
	accessFlags
	tlsFlags
	list, stream, notify, json bool
	tokenFile                  string
	timeout                    time.Duration

	out, err screen
	target   target
}

// answer is a line of --json.
type answerLine struct {
	Result  json.RawMessage  `json:"result,omitempty"`
	Item    json.RawMessage  `json:"item,omitempty"`
	Error   *rpc.Error       `json:"error,omitempty"`
	Objects []rpc.ObjectInfo `json:"objects,omitempty"`
}

func (c *call) run(ctx context.Context, url string, words []string) error {
	server, object, refusal := endpoint.SplitObject(url)
	var err error
	if c.target, err = parseURLFor("call", cmp.Or(server, url)); err != nil {
		return err // it says more of schemes that are for other verbs
	}
	if refusal != nil {
		return &exit{exitUsage, refusal}
	}
	args, err := c.arguments(words)
	if err != nil {
		return err
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout,
			&exit{exitTimeout, fmt.Errorf("no result from %s within %v", c.target, c.timeout)})
		defer cancel()
	}
	client, o, err := c.dial(ctx, object)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.list {
		return c.printList(ctx, client, object)
	}
	return c.perform(ctx, o, words[0], args)
}

// arguments checks the words after the URL.
func (c *call) arguments(words []string) (args []any, err error) {
	switch {
	case c.list && (len(words) > 0 || c.stream || c.notify):
		return nil, usagef("--list takes a URL alone")
	case c.stream && c.notify:
		return nil, usagef("--stream and --notify exclude each other")
	case !c.list && len(words) == 0:
		return nil, usagef("it takes a method too; to see what there is: ipc call %s --list", c.target)
	case c.list:
		return nil, nil
	case len(slices.DeleteFunc(slices.Clone(words[1:]), func(word string) bool { return word != "-" })) > 1:
		return nil, usagef("standard input is one argument: there is one -")
	}
	for _, word := range words[1:] {
		arg, err := argumentOf(word)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, nil
}

// argumentOf returns a word as JSON, or what the word stands for: standard input or a file.
func argumentOf(word string) (arg json.RawMessage, err error) {
	path, isFile := strings.CutPrefix(word, "@")
	switch {
	case isFile:
		arg, err = os.ReadFile(path)
	case word == "-":
		arg, err = io.ReadAll(os.Stdin)
	case !json.Valid([]byte(word)):
		return nil, usagef("the argument %s is not JSON; a string has quotes: '%[1]q'", word)
	default:
		return json.RawMessage(word), nil
	}
	if err == nil && !json.Valid(arg) {
		err = usagef("what the argument %s stands for is not JSON", word)
	}
	return arg, err
}

// afterSpaces puts a space before the words that are negative numbers, which are no flags.
// JSON takes it.
func afterSpaces(words []string) []string {
	words = slices.Clone(words)
	for i, word := range words {
		if len(word) > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9' {
			words[i] = " " + word
		}
	}
	return words
}

// token returns the token for the server, "" if there is none.
func (c *call) token() (string, error) {
	if c.tokenFile == "" {
		return os.Getenv(tokenVariable), nil
	}
	text, err := os.ReadFile(c.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	if info, err := os.Stat(c.tokenFile); err == nil && runtime.GOOS != "windows" && info.Mode()&0o044 != 0 {
		warn("other users may read --token-file %s, of mode %04o; chmod 600 keeps the token to you", c.tokenFile, info.Mode().Perm())
	}
	token := strings.TrimRight(string(text), "\r\n")
	if token == "" {
		return "", fmt.Errorf("--token-file %s is empty", c.tokenFile)
	}
	return token, nil
}

// dial waits for the server.
func (c *call) dial(ctx context.Context, object string) (*rpc.Client, *rpc.Object, error) {
	token, err := c.token()
	if err != nil {
		return nil, nil, err
	}
	access := accessFlags{trust: append(c.target.options.Texts("trust"), c.trust...)}
	url, err := c.target.urlWith(access, c.tlsFlags)
	if err != nil {
		return nil, nil, err
	}
	if object != "" {
		url += "#" + object
	}
	cfg := &rpc.Config{Token: token, MaxMessage: maxAnswer}
	defer c.err.hintIfSlow(fmt.Sprintf("waiting for a server at %s, Ctrl-C stops", c.target))()
	client, o, err := endpoint.DialObjectWait(ctx, url, cfg)
	if err != nil && ctx.Err() != nil && c.isAbsent(url, cfg) {
		err = &exit{exitTimeout, fmt.Errorf("no server listened at %s within %v", c.target, c.timeout)}
	}
	return client, o, usageOfURL(err)
}

// isAbsent reports whether no server listens at a URL.
func (c *call) isAbsent(url string, cfg *rpc.Config) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	client, _, err := endpoint.DialObject(ctx, url, cfg)
	if err == nil {
		client.Close()
	}
	return errors.Is(err, os.ErrNotExist)
}

// maxAnswer is the largest result in bytes.
const maxAnswer = 1 << 30

// perform calls the method and prints what comes back.
func (c *call) perform(ctx context.Context, o *rpc.Object, method string, args []any) (err error) {
	switch {
	case c.notify:
		return o.Notify(ctx, method, args...)
	case c.stream:
		for item, failed := range rpc.Stream[json.RawMessage](ctx, o, method, args...) {
			if err = failed; err == nil {
				err = c.print(item, answerLine{Item: item})
			}
			if err != nil {
				break
			}
		}
	default:
		var result json.RawMessage
		if result, err = rpc.Call[json.RawMessage](ctx, o, method, args...); err == nil {
			if result == nil {
				result = json.RawMessage("null")
			}
			return c.print(result, answerLine{Result: result})
		}
	}
	return c.explain(err)
}

// explain adds the data of the server's error, and prints it as JSON if that is wanted.
func (c *call) explain(err error) error {
	var e *rpc.Error
	if !errors.As(err, &e) {
		return err
	}
	if c.json {
		if failed := c.print(nil, answerLine{Error: e}); failed != nil {
			return failed
		}
	}
	text := err.Error()
	if len(e.Data) > 0 {
		text += ", with " + string(e.Data)
	}
	return &foreignError{text, err}
}

// foreignError is an error of whose text another process has written a part. On a terminal
// it is one line and no control sequence.
type foreignError struct {
	text string
	err  error
}

func (e *foreignError) Error() string { return printable(e.text, "") }
func (e *foreignError) Unwrap() error { return e.err }

// print prints a line: JSON as it came, or the object of --json.
func (c *call) print(text json.RawMessage, line answerLine) (err error) {
	if c.json {
		if text, err = json.Marshal(line); err != nil {
			return err
		}
	}
	shown := string(text)
	if c.out.tty {
		shown = printable(shown, "")
	}
	_, err = fmt.Fprintln(c.out, shown)
	return err
}

// printList prints what the server has; of one object if the URL names it.
func (c *call) printList(ctx context.Context, client *rpc.Client, object string) error {
	objects, err := client.Describe(ctx)
	if err != nil {
		return c.explain(err)
	}
	found := []rpc.ObjectInfo{}
	for _, o := range objects {
		if object == "" || o.Name == object {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 0 && object != "":
		return fmt.Errorf("the server at %s has no object %q", c.target, object)
	case c.json:
		return c.print(nil, answerLine{Objects: found})
	}
	for _, o := range found {
		for _, m := range o.Methods {
			if _, err := fmt.Fprintln(c.out, printable(signature(o.Name, m), "")); err != nil {
				return err
			}
		}
	}
	return nil
}

// signature returns a method as a line of --list: Calc.Add(integer, integer) integer.
func signature(object string, m rpc.MethodInfo) string {
	if object != "" {
		object += "."
	}
	var params []string
	for i, p := range m.Params {
		if m.Variadic && i == len(m.Params)-1 && p != nil {
			params = append(params, "..."+typeWord(p.Items))
			continue
		}
		params = append(params, typeWord(p))
	}
	line := fmt.Sprintf("%s%s(%s)", object, m.Name, strings.Join(params, ", "))
	switch {
	case m.Stream:
		line += " stream of " + typeWord(m.Result)
	case m.Result != nil:
		line += " " + typeWord(m.Result)
	}
	return line
}

// typeWord says in a word what a schema means.
func typeWord(s *rpc.Schema) string {
	switch {
	case s == nil || s.Type == "":
		return "any"
	case s.Format != "":
		return s.Format
	case s.Type == "array":
		return "[]" + typeWord(s.Items)
	}
	return s.Type
}
