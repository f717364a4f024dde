package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// readmeSteps are the lines of README.md's code.
var readmeSteps = map[string]step{
	"go run ./cmd/ipc demo":                     {cant: "`.ci/run readme` runs it"},
	"go test ./...":                             {cant: "this is a part of it, and `.ci/run readme` runs it"},
	"go get github.com/breezeway-ipc/breezeway": {cant: "no version has been released"},
	"go install github.com/breezeway-ipc/breezeway/cmd/ipc@latest": {cant: "no version has been released"},

	"ipc serve pipe://chat --until shutdown":      {beside: 1, ends: "ipc send pipe://chat shutdown", want: "hello there"},
	`ipc send pipe://chat "hello there"`:          {},
	"ipc pipeline 'ps -ef | grep ssh'":            {want: "ssh"}, // it finds its own line
	"ipc create shm://frame --size 4K":            {},
	`ipc write shm://frame --offset 16 "hello"`:   {after: "ipc read shm://frame --offset 16 --length 5 | grep hello"},
	"ipc read shm://frame --watch":                {ends: changeFrame, want: "00000010"},
	"ipc lock mutex://deploy -- ./deploy.sh":      {before: deployScript, want: "deployed"},
	"ipc create sem://jobs --value 2":             {},
	"ipc acquire sem://jobs -- make all":          {before: makefile, want: "made all"},
	"ipc create event://ready":                    {},
	"ipc wait event://ready --timeout 10s":        {ends: "ipc set event://ready"},
	"ipc create mq://jobs --capacity 1000":        {},
	`ipc send mq://jobs --priority 5 "build all"`: {},
	"ipc receive mq://jobs --exec ./work.sh":      {before: `printf '#!/bin/sh\necho does $(cat)\n' >work.sh; chmod +x work.sh`, want: "does build all"},
	"ipc create ring://frames --shape broadcast":  {after: "ipc stat ring://frames | grep broadcast"},
	"ipc call pipe://app/Calc Add 1 2":            {before: "ipc objects app 1 &", want: "3"},
	"ipc ls":                                      {want: "shm://frame"},
	"ipc stat mutex://deploy":                     {want: "holders"},
	"ipc demo":                                    {want: "message pipe"},
	"ipc bench":                                   {cant: "it takes a minute; examples_linux_test.go runs parts"},
}

const (
	// changeFrame changes a segment until a change is seen.
	changeFrame = `until test -s "$OUT"; do
  ipc write shm://frame --offset 16 HELLO
  ipc write shm://frame --offset 16 hello
done
` + interrupt
	deployScript = `printf '#!/bin/sh\necho deployed $1\n' > deploy.sh; chmod +x deploy.sh`
	makefile     = `printf 'all backup docs:\n\t@echo made $@\n' > Makefile`
)

// README's lines run as printed and in order.
func TestReadmeRunsAsPrinted(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range regexp.MustCompile(`(?m)^    \S.*$`).FindAllString(string(text), -1) {
		lines = append(lines, strings.TrimSpace(line))
	}
	if fences := strings.Count(string(text), "```"); fences != 2 || len(lines) < 15 {
		t.Errorf("%d lines of code, and %d fences, want those of the Go code", len(lines), fences)
	}
	runScript(t, lines, readmeSteps)
	expectMet(t, lines, readmeSteps)
}

// expectMet expects that every step belongs to a line.
func expectMet(t *testing.T, lines []string, steps map[string]step) {
	t.Helper()
	met := map[string]bool{}
	for _, line := range lines {
		met[code(line)] = true
	}
	for line := range steps {
		if !met[line] {
			t.Errorf("there is a step for %q, and no such line", line)
		}
	}
}
