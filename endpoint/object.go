package endpoint

import (
	"context"
	"net"
	"os"
	"path"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// DialObject connects to the server at a URL, and returns an object of it and the client
// that calls it, which the caller closes:
//
//	tcp://localhost:8085/MyRemoteObjectName
//	pipe://app/Calc
//	unix:///run/app.sock#Calc
//
// The object is named by the fragment. In a URL without one it is what follows the first
// slash of the name, unless the name is a path or abstract. A URL that names no object is
// one of the server's functions. Another object of the server is client.Object(name).
//
// The client dials the URL again when the connection is lost: see [rpc.Dial], of which cfg
// is the Config, nil for the defaults. DialObject fails as [Dial] and rpc.Dial do.
func DialObject(ctx context.Context, url string, cfg *rpc.Config) (*rpc.Client, *rpc.Object, error) {
	return dialObject(ctx, url, cfg, dialling)
}

// DialObjectWait is [DialObject] that waits for a server until ctx ends. When the connection
// is lost later, the client waits for none.
func DialObjectWait(ctx context.Context, url string, cfg *rpc.Config) (*rpc.Client, *rpc.Object, error) {
	return dialObject(ctx, url, cfg, dialWaiting)
}

func dialObject(ctx context.Context, url string, cfg *rpc.Config, first what[net.Conn]) (*rpc.Client, *rpc.Object, error) {
	place, object, err := SplitObject(url)
	if err != nil {
		return nil, nil, err
	}
	dial := first.open
	client, err := rpc.Dial(ctx, func(ctx context.Context) (net.Conn, error) {
		defer func() { dial = dialling.open }() // the client dials once at a time
		return dial(ctx, place, nil)
	}, cfg)
	if err != nil {
		return nil, nil, err
	}
	return client, client.Object(object), nil
}

// SplitObject takes the name of an object off a URL, as [DialObject] does, and returns the
// URL of the server. It fails with [os.ErrInvalid] for a bad URL.
func SplitObject(url string) (server, object string, err error) {
	u, _, err := dialling.parse(url)
	if err == nil {
		object, err = takeObject(u)
	}
	if err != nil {
		return "", "", fail.With(breezeway.OpDial, kind, url, err)
	}
	return u.String(), object, nil
}

// takeObject takes the name of an object off a URL.
func takeObject(u *URL) (object string, err error) {
	if object = u.Fragment; object != "" {
		u.Fragment = ""
		return object, nil
	}
	if isPath := strings.HasPrefix(u.Name, "/"); isPath || strings.HasPrefix(u.Name, "@") {
		return "", behindFile(u)
	}
	u.Name, object, _ = strings.Cut(u.Name, "/")
	if u.Name == "" && !schemes.find(u.Scheme).nameless {
		return "", invalid("it names an object, but no server")
	}
	return object, nil
}

// behindFile checks that no part of a path but the last is a file. It would be the server's,
// with an object behind it.
func behindFile(u *URL) error {
	for place := path.Dir(u.Name); len(place) > 1; place = path.Dir(place) {
		info, err := os.Stat(place)
		if err == nil && !info.IsDir() {
			object := strings.TrimPrefix(u.Name, place+"/")
			return invalid("%s is no directory; an object of the server there is named after #: %s://%[1]s#%[3]s", place, u.Scheme, object)
		}
	}
	return nil
}
