package cli

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// certificateFlags returns the flags of an end that knows another one with the same.
func certificateFlags(t *testing.T) []string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"c": {Type: "CERTIFICATE", Bytes: der}, "k": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert := filepath.Join(dir, "c")
	return []string{"--cert", cert, "--key", filepath.Join(dir, "k"), "--ca", cert}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServeSockets(t *testing.T) {
	urls := map[string][]string{
		"shmnet://" + ipctest.UniqueName(): nil,
		"tcp://" + freePort(t):             nil, "tls://" + freePort(t): certificateFlags(t),
	}
	if runtime.GOOS != "windows" {
		urls["unix://"+filepath.Join(t.TempDir(), "s")] = nil
	}
	if runtime.GOOS == "linux" {
		urls["unix://@"+ipctest.UniqueName()] = nil
	}
	for url, flags := range urls {
		scheme, _, _ := strings.Cut(url, ":")
		t.Run(scheme, func(t *testing.T) {
			with := func(words ...string) []string { return append(words, flags...) }
			p := served(t, url, with("--lines", "--echo", "--until", "stop")...)
			if got := succeed(t, "", with("send", url, "--reply", "--lines", "hello")...); got != "hello\n" {
				t.Errorf("%q", got)
			}
			if e := expectText(t, p, "hello"); (e.Peer == nil) != (scheme == "tcp" || scheme == "tls") {
				t.Errorf("%+v", e)
			}
			succeed(t, "", with("send", url, "stop")...)
			expectText(t, p, "stop")
			expectEnd(t, p, 0)
			greet := "echo greetings"
			if runtime.GOOS == "windows" {
				greet = "cmd /c echo greetings"
			}
			p = served(t, url, with("--exec", greet, "--count", "1")...)
			if got := succeed(t, "", with("receive", url, "--count", "1", "--lines")...); strings.TrimSpace(got) != "greetings" {
				t.Errorf("%q", got)
			}
			if e := parse(t, p.Hear()); e.Event != "exit" || e.Exit == nil || *e.Exit != 0 {
				t.Errorf("%+v", e)
			}
			expectEnd(t, p, 0)
		})
	}
}

func TestSocketFlags(t *testing.T) {
	cert := certificateFlags(t)
	for _, test := range []struct{ args, want string }{
		{"serve tcp://127.0.0.1:1 --message", "no messages"},
		{"receive tcp://127.0.0.1:1 --message", "no messages"},
		{"send unix:///tmp/x --direction out hello", "both directions"},
		{"serve shmnet://x --message", "a connection through shared memory has no messages"},
		{"receive shmnet://x --message", "no messages"},
		{"send shmnet://x --direction out hello", "both directions"},
		{"serve shmnet://x/y", "shmnet:///x/y"},
		{"serve shmnet://x --trust root", "--allow"},
		{"create shmnet://x", "ipc serve shmnet://x"},
		{"ls shmnet:///tmp/x", "ipc stat shmnet:///tmp/x"},
		{"serve tcp://127.0.0.1:1 --allow root", "TCP tells no user"},
		{"serve tls://127.0.0.1:1", "--cert, --key and --ca"},
		{"send tcp://127.0.0.1:1 hello " + strings.Join(cert, " "), "for tls://"},
		{"receive pipe://x " + strings.Join(cert, " "), "for tls://"},
		{"serve tls://127.0.0.1:1 --server-name x", "unknown flag: --server-name"},
		{"send tls://127.0.0.1:1 --anonymous-clients x", "unknown flag: --anonymous-clients"},
		{"receive tls://127.0.0.1:1 --anonymous-clients", "unknown flag: --anonymous-clients"},
		{"call tls://127.0.0.1:1 --anonymous-clients --list", "unknown flag: --anonymous-clients"},
		{"serve unix://name", "whole path"},
		{"serve tcp://127.0.0.1:80/x", "no slash"},
		{"create unix:///tmp/x", "ipc serve unix:///tmp/x"},
	} {
		if test.args == "ls shmnet:///tmp/x" && runtime.GOOS == "windows" {
			continue // a path is no name there, and pipes are listed alike
		}
		if r := run(t, "", strings.Fields(test.args)...); r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("ipc %s: %+v", test.args, r)
		}
	}
	if r := run(t, "", "serve", "tcp://:8080"); r.code != exitUsage || !strings.Contains(r.stderr, "127.0.0.1:8080") {
		t.Errorf("%+v", r)
	}
}

// A client learns that a server refused it, or closed with bytes unread.
func TestSendToServerThatRefuses(t *testing.T) {
	server, client := certificateFlags(t), certificateFlags(t)
	address := freePort(t)
	p := served(t, "tls://"+address, append(server, "--lines", "--until", "known")...)
	stranger := []string{"send", "tls://" + address, "hello", "--cert", client[1], "--key", client[3], "--ca", server[5]}
	if r := run(t, "", stranger...); r.code != exitError || !strings.Contains(r.stderr, "refuses this client") {
		t.Errorf("%+v", r)
	}
	for flag, says := range map[string]string{"--ca": "one of --ca?", "--server-name": "set --server-name"} {
		mistaken := append([]string{"send", "tls://" + address, "hello"}, server...)
		if flag == "--ca" {
			mistaken[len(mistaken)-1] = client[5]
		} else {
			mistaken = append(mistaken, flag, "elsewhere")
		}
		if r := run(t, "", mistaken...); r.code != exitError || !strings.Contains(r.stderr, says) {
			t.Errorf("%+v", r)
		}
	}
	succeed(t, "", append([]string{"send", "tls://" + address, "known"}, server...)...)
	expectText(t, p, "known")
	expectEnd(t, p, 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			c.Close()
		}
	}()
	r := run(t, strings.Repeat("x", 100_000), "send", "tcp://"+l.Addr().String())
	if says := strings.Contains(r.stderr, "closed without having read everything"); r.code != exitError || !says && runtime.GOOS != "windows" {
		t.Errorf("%+v", r)
	}
}

// A script is told which port the system has chosen.
func TestChosenPortIsTold(t *testing.T) {
	for _, words := range [][]string{
		{"serve", "tcp://127.0.0.1:0", "--count", "1"},
		{"relay", "tcp://127.0.0.1:0", "pipe://x"},
	} {
		cmd := ipc(t, words...)
		r, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(r).ReadString('\n')
		if address, ok := strings.CutPrefix(line, "listening at "); !ok || strings.HasSuffix(strings.TrimSpace(address), ":0") {
			t.Errorf("ipc %q: %q, %v", words, line, err)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
}
