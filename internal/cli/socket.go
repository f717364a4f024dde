package cli

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shmnet"
	"github.com/breezeway-ipc/breezeway/socket"
	"github.com/spf13/cobra"
)

// tlsOptions are what a TLS socket shows and accepts: options of a URL, and flags of the
// verbs that are such an end.
var tlsOptions = [...]struct {
	name, what string
	end        tlsEnd
}{
	{"cert", "of tls: the `FILE` with this end's certificate (PEM)", tlsBoth},
	{"key", "of tls: the `FILE` with the key of --cert (PEM)", tlsBoth},
	{"ca", "of tls: the `FILE` with what signs the other end's certificate (PEM)", tlsBoth},
	{"server-name", "of tls: the `NAME` in the server's certificate, if not the host's", tlsClient},
	{"anonymous-clients", "of tls: serve clients without a certificate too", tlsServer},
}

// tlsEnd is an end of a TLS connection.
type tlsEnd int

const (
	tlsBoth tlsEnd = iota
	tlsClient
	tlsServer
)

// tlsFlags are the values of flags for tlsOptions.
type tlsFlags [len(tlsOptions)]string

// registerTLS registers the flags of an end.
func (o *tlsFlags) registerTLS(cmd *cobra.Command, end tlsEnd) {
	f := cmd.Flags()
	for i, option := range tlsOptions {
		if option.end != end && option.end != tlsBoth {
			continue
		}
		if option.name == "anonymous-clients" {
			f.BoolFunc(option.name, option.what, func(value string) error { o[i] = value; return nil })
			continue
		}
		f.StringVar(&o[i], option.name, "", option.what)
	}
}

// addTo adds the flags to the options of t.
func (o *tlsFlags) addTo(options url.Values, t target) error {
	for i, option := range tlsOptions {
		switch {
		case o[i] == "":
		case t.scheme != "tls":
			return usagef("--%s is for tls://, not for %s", option.name, withArticle(t.noun))
		case options.Has(option.name):
			return usagef("--%s says what the option %[1]s of %s says too; leave one out", option.name, t)
		default:
			options.Set(option.name, o[i])
		}
	}
	return nil
}

// urlWith returns a URL of package endpoint: t with what the flags say as options.
func (t target) urlWith(access accessFlags, tls tlsFlags) (string, error) {
	options, err := url.ParseQuery(t.query)
	if err != nil {
		return "", usagef("%s: %w", t, err)
	}
	if access.mode != "" {
		options.Set("mode", access.mode)
	}
	for name, users := range map[string][]string{"allow": access.allow, "trust": access.trust} {
		if users != nil {
			options[name] = users
		}
	}
	if err := tls.addTo(options, t); err != nil || len(options) == 0 {
		return t.scheme + "://" + t.name, err
	}
	return t.scheme + "://" + t.name + "?" + options.Encode(), nil
}

// socketURL checks the flags against a socket, and returns its URL with what they say.
func (o *streamFlags) socketURL(t target) (string, error) {
	r, err := o.rule()
	if err != nil {
		return "", err
	}
	if err := o.checkBytes(t); err != nil {
		return "", err
	}
	if (t.scheme == "tcp" || t.scheme == "tls") && (r.mode != 0 || r.allow != nil || r.trust != nil) {
		return "", usagef("TCP tells no user; leave --mode, --allow and --trust out, and use tls:// to know the other end")
	}
	return t.urlWith(o.accessFlags, o.tlsFlags)
}

// usageOfURL makes what is wrong with a URL itself an error of usage: its form, or its HOST:PORT.
func usageOfURL(err error) error {
	var e *breezeway.Error
	if errors.As(err, &e) && slices.Contains([]string{"endpoint", "tcp", "tls"}, e.Kind) && errors.Is(err, os.ErrInvalid) {
		return &exit{exitUsage, err}
	}
	return err
}

// checkServerTLS checks that a server has what TLS needs at its end.
func checkServerTLS(url, three, instead string) error {
	u, err := endpoint.Parse(url)
	if err != nil {
		return err
	}
	if u.Text("cert") == "" || u.Text("key") == "" || u.Text("ca") == "" && !u.Bool("anonymous-clients") {
		return usagef("a server shows a certificate, and asks for the clients': give %s, or %s", three, instead)
	}
	return nil
}

// socketName checks that a Unix socket is named by a whole path, or is abstract.
func socketName(t target) error {
	if strings.HasPrefix(t.name, "@") {
		return nil
	}
	return wholePath(t)
}

// socketConns are connections that package endpoint makes, of type C, by listeners of type
// L.
func socketConns[C net.Conn, L listenerOf[C]](adapt func(C) streamConn) connecting {
	return connecting{
		listen: func(ctx context.Context, t target, o *streamFlags, _ *pipe.Config) (streamListener, error) {
			url, err := o.socketURL(t)
			if err == nil && t.scheme == "tls" {
				err = checkServerTLS(url, "--cert, --key and --ca", "--anonymous-clients instead of --ca")
			}
			if err != nil {
				return nil, err
			}
			l, err := endpoint.Listen(ctx, url)
			if err != nil {
				return nil, usageOfURL(err)
			}
			return adapted[C]{l.(L), adapt}, nil
		},
		dial: func(ctx context.Context, t target, o *streamFlags, _ *pipe.Config) (streamConn, error) {
			url, err := o.socketURL(t)
			if err != nil {
				return nil, err
			}
			c, err := endpoint.DialWait(ctx, url)
			if err != nil {
				return nil, usageOfURL(err)
			}
			return adapt(c.(C)), nil
		},
	}
}

var (
	sockets  = socketConns[*socket.Conn, *socket.Listener](func(c *socket.Conn) streamConn { return socketConn{c} })
	memories = socketConns[*shmnet.Conn, *shmnet.Listener](func(c *shmnet.Conn) streamConn { return shmnetConn{c} })
)
