package cli

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"pipe://chat":         "chat",
		"pipe:///run/x.sock":  "/run/x.sock",
		"fifo:///tmp/a b%20c": "/tmp/a b%20c",
		"shm://frame":         "frame",
		"mmap:///tmp/data":    "/tmp/data",
		"sem://jobs":          "jobs",
		"mutex://deploy":      "deploy",
		"rwmutex://data":      "data",
		"event://ready":       "ready",
		"lead://worker":       "worker",
		"barrier://round":     "round",

		"unix:///tmp/s?mode=0666":              "/tmp/s",
		"unix://@name?packets":                 "@name",
		"pipe://x?message&max-message=1MiB":    "x",
		"tls://host:1?cert=/a&key=/b&ca=/c":    "host:1",
		"shmnet://x?buffer-size=4MiB&allow=me": "x",
		"fifo:///tmp/what?":                    "/tmp/what?",
	} {
		got, err := parseURL(text, mechanisms)
		scheme, _, _ := strings.Cut(text, "://")
		if err != nil || got.mechanism != mechanismOf(scheme) || got.name != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"chat":           "pipe://NAME",
		"":               "pipe://NAME",
		"shm:chat":       "pipe://NAME",
		"http://x":       "fifo:///PATH",
		"pipe://":        "lacks a name",
		"pipe://a/b":     "pipe:///a/b",
		"fifo://tmp/log": "whole path: fifo://",
		"mmap://data":    "whole path: mmap://",
		"shm:///frame":   "no slash",
		"sem:///jobs":    "sem://NAME",
		"mutex://a/b":    "no slash",
		"event://":       "lacks a name",

		"unix:///tmp/s?volume=1": "packets",
		"pipe://x?mode=%zz":      "can't be read",
		"pipe:///tmp/x#Calc":     "ipc call",
	} {
		if _, err := parseURL(text, mechanisms); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// An option without the value that it needs is wrong usage.
func TestOptionWithoutValue(t *testing.T) {
	for _, url := range []string{"pipe://x?mode=", "pipe://x?max-message=", "shmnet://x?mode="} {
		if r := run(t, "", "receive", url, "--timeout", "10ms"); r.code != exitUsage {
			t.Errorf("%s: exit %d: %s", url, r.code, r.stderr)
		}
	}
}
