package cli

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]target{
		"pipe://chat":         {mechanismOf("pipe"), "chat"},
		"pipe:///run/x.sock":  {mechanismOf("pipe"), "/run/x.sock"},
		"fifo:///tmp/a b%20c": {mechanismOf("fifo"), "/tmp/a b%20c"},
		"shm://frame":         {mechanismOf("shm"), "frame"},
		"mmap:///tmp/data":    {mechanismOf("mmap"), "/tmp/data"},
		"sem://jobs":          {mechanismOf("sem"), "jobs"},
		"mutex://deploy":      {mechanismOf("mutex"), "deploy"},
		"rwmutex://data":      {mechanismOf("rwmutex"), "data"},
		"event://ready":       {mechanismOf("event"), "ready"},
		"lead://worker":       {mechanismOf("lead"), "worker"},
		"barrier://round":     {mechanismOf("barrier"), "round"},
	} {
		got, err := parseURL(text)
		if err != nil || got != want || got.String() != text {
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
	} {
		if _, err := parseURL(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
