package cli

import (
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// exampleSteps are the examples of each verb's help. Those of a verb are one script.
var exampleSteps = map[string]map[string]step{
	"ipc": {
		"ipc serve pipe://chat":           {beside: 1, ends: untilHeard("hello") + interrupt, want: "hello"},
		"ipc send pipe://chat hello":      {},
		"ipc read shm://frame --hex":      {before: "ipc create shm://frame --size 32", want: "00000000  00"},
		"ipc lock mutex://deploy -- make": {before: makefile, want: "made all"},
		"ipc demo":                        {want: "verdict"},
	},
	"ipc serve": {
		"ipc serve pipe://chat":                          {ends: "ipc send pipe://chat hello\n" + untilHeard("hello") + interrupt, want: "hello"},
		"ipc serve pipe://chat --lines --until shutdown": {ends: `printf 'hello\nshutdown\n' | ipc send pipe://chat --lines`, want: "hello"},
		"ipc serve pipe://upper --exec 'tr a-z A-Z'":     {ends: "echo abc | ipc send pipe://upper --reply | grep ABC\n" + interrupt},
		"ipc serve pipe://jobs --message --echo --count 10 --json": {
			ends: "for i in 1 2 3 4 5 6 7 8 9 10; do ipc send pipe://jobs --message --reply job$i | grep -x job$i; done", want: `"text":"job10"`},
		"ipc serve shmnet://quick --echo":   {ends: "ipc send shmnet://quick --reply hello | grep hello\n" + interrupt, want: "hello"},
		"ipc serve fifo:///tmp/log --lines": {ends: "ipc send fifo:///tmp/log started\n" + untilHeard("started") + interrupt, want: "started"},
	},
	"ipc send": {
		"ipc send pipe://chat hello":                 {before: "ipc serve pipe://chat --count 1 >heard &", after: "wait; until grep -q hello heard; do :; done"},
		"ipc send pipe://chat":                       {before: "ipc serve pipe://chat --count 1 >heard &", stdin: "a line\n", after: "until grep -q 'a line' heard; do :; done"},
		"ipc send pipe://upper --reply < letter.txt": {before: "echo dear >letter.txt; ipc serve pipe://upper --exec 'tr a-z A-Z' --count 1 &", want: "DEAR"},
		"ipc send pipe://calc --lines --reply --timeout 3s 1 + 2": {
			before: standIn("calc", "read sum; expr $sum") + "ipc serve pipe://calc --exec calc --count 1 &", want: "3"},
		"ipc send mq://jobs --priority 5 build all": {before: "ipc create mq://jobs", after: "ipc receive mq://jobs | grep -x 'build all'"},
		"ipc send mq+sysv:///tmp/app --project A --type 3 reload": {
			before: ">/tmp/app; ipc create mq+sysv:///tmp/app --project A",
			after:  "ipc receive mq+sysv:///tmp/app --project A --type 3 | grep -x reload; ipc rm mq+sysv:///tmp/app --project A"},
		"ipc send mq://jobs --each < jobs.txt": {before: "printf 'one\\ntwo\\n' >jobs.txt", after: "ipc receive mq://jobs --count 2 | grep -x two"},
		"ipc send pipe://csharp --each --retry 3 < orders.txt": {
			before: `printf 'one\ntwo\n' >orders.txt; ipc serve pipe://csharp --lines --count 2 >heard &`, after: "until grep -q two heard; do :; done"},
		"ipc send fifo:///tmp/log started": {before: "ipc create fifo:///tmp/log; cat /tmp/log >heard &", after: "until grep -q started heard; do :; done"},
	},
	"ipc receive": {
		"ipc receive pipe://news --lines":                 {before: "ipc serve pipe://news --exec 'echo flood' --count 1 &", want: "flood"},
		"ipc receive pipe://clock --count 1 --timeout 3s": {before: "ipc serve pipe://clock --exec date --count 1 &", want: ":"},
		"ipc receive pipe://jobs --message --json": {
			before: "ipc serve pipe://jobs --message --until stop --grace 0.1 &",
			ends:   untilHeard("connected") + "ipc send pipe://jobs --message stop", want: `"event":"connected"`},
		"ipc receive mq://jobs --timeout 3s": {before: "ipc create mq://jobs; ipc send mq://jobs paint", want: "paint"},
		"ipc receive mq+sysv:///tmp/app --project A --type 3": {
			before: ">/tmp/app; ipc create mq+sysv:///tmp/app --project A; ipc send mq+sysv:///tmp/app --project A --type 3 reload",
			want:   "reload", after: "ipc rm mq+sysv:///tmp/app --project A"},
		"ipc receive mq://jobs --follow --exec ./work.sh": {
			before: `printf '#!/bin/sh\necho does $(cat)\n' >work.sh; chmod +x work.sh; ipc send mq://jobs build`,
			ends:   untilHeard("does build") + interrupt, want: "does build", after: `ipc stat mq://jobs | grep "^0 of"`},
	},
	"ipc call": {
		"ipc call pipe://app --list":        {before: "ipc objects app 1 &", want: "Calc.Add(integer, integer) integer"},
		"ipc call pipe://app/Calc Add 1 -2": {before: "ipc objects app 1 &", want: "-1"},
		`ipc call pipe:///tmp/app.sock#Log Write '"started"' --notify`: {
			before: "ipc objects /tmp/app.sock 1 >heard &", after: "until grep -q started heard; do :; done"},
		"ipc call pipe://app/Calc Count 1000000 --stream | head -3": {before: "ipc objects app 1 &", want: "0\n1\n2\n"},
		"IPC_TOKEN=$(pass app) ipc call pipe://app/Admin Stop": {
			before: standIn("pass", "echo secret") + "IPC_TOKEN=secret ipc objects app 1 &", want: "null"},
	},
	"ipc pipeline": {
		"ipc pipeline 'ps -ef | grep ssh'": {want: "ssh"}, // it finds its own line
		`ipc pipeline --pipefail --stats 'cat "$HOME/a.log" | gzip' > a.log.gz`: {
			before: `echo logged >"$HOME/a.log"`, want: "gzip", after: "gzip -dc a.log.gz | grep logged"},
		"ipc pipeline --quiet 'man ls | less'": {before: standIn("man", "echo manual of $1") + standIn("less", "exec cat"), want: "manual of ls"},
	},
	"ipc create": {
		"ipc create shm://frame --size 4096":                              {after: "ipc read shm://frame --length 4096 | wc -c | grep 4096"},
		"ipc create shm://table --size 64M --mode 0660":                   {after: "ipc stat shm://table"},
		"ipc create mmap:///var/tmp/state --size 1G":                      {after: "test $(stat -c %s /var/tmp/state) = 1073741824; rm /var/tmp/state"},
		"ipc create fifo:///tmp/log":                                      {after: "test -p /tmp/log"},
		"ipc create sem://jobs --value 2":                                 {after: "ipc stat sem://jobs"},
		"ipc create mq://jobs --capacity 1000":                            {after: "ipc stat mq://jobs | grep 1000"},
		"ipc create mq:///var/tmp/jobs --sync":                            {after: "ipc send mq:///var/tmp/jobs a; ipc receive mq:///var/tmp/jobs | grep -x a; ipc rm mq:///var/tmp/jobs"},
		"ipc create ring://frames --capacity-bytes 64M --shape broadcast": {after: "ipc stat ring://frames | grep broadcast"},
		"ipc create event://ready --manual":                               {after: "ipc set event://ready; ipc wait event://ready; ipc wait event://ready"},
	},
	"ipc write": {
		"ipc write shm://frame hello":                            {before: "ipc create shm://frame --size 4096", after: "ipc read shm://frame --length 5 | grep hello"},
		"ipc write shm://frame --offset 0x100 hello there":       {after: "ipc read shm://frame --offset 256 --length 11 | grep 'hello there'"},
		`printf '\1\0\0\0' | ipc write shm://frame --offset 8 -`: {after: "ipc read shm://frame --offset 8 --length 4 --hex | grep '01 00 00 00'"},
		"ipc write mmap:///var/tmp/state - < picture.png": {
			before: "ipc create mmap:///var/tmp/state --size 64; printf picture >picture.png", after: "grep -q picture /var/tmp/state"},
	},
	"ipc read": {
		"ipc read shm://frame":                                  {before: "ipc create shm://frame --size 4096; ipc write shm://frame hello", want: "hello"},
		"ipc read shm://frame --offset 0x40 --length 64 > part": {after: "test $(wc -c <part) = 64"},
		"ipc read mmap:///var/tmp/state --strings":              {before: "ipc create mmap:///var/tmp/state --size 64; ipc write mmap:///var/tmp/state hello", want: "hello"},
		"ipc read shm://counter --watch --length 8": {
			before: "ipc create shm://counter --size 8",
			ends:   `until test -s "$OUT"; do ipc write shm://counter 1; ipc write shm://counter 2; done` + "\n" + interrupt, want: "00000000"},
	},
	"ipc rm": {
		"ipc rm shm://frame":           {before: "ipc create shm://frame --size 64", after: "! ipc stat shm://frame"},
		"ipc rm mmap:///var/tmp/state": {before: "ipc create mmap:///var/tmp/state --size 64", after: "! test -e /var/tmp/state"},
		"ipc rm mutex://deploy":        {before: "ipc create mutex://deploy", after: "! ipc stat mutex://deploy"},
		"ipc rm mutex://deploy --force": {
			before: "mkfifo go; ipc lock mutex://deploy -- sh -c 'echo held >got; cat go' & until test -s got; do :; done",
			after:  "! ipc stat mutex://deploy; : >go"},
		"ipc rm fifo:///tmp/log": {before: "ipc create fifo:///tmp/log", after: "! test -e /tmp/log"},
	},
	"ipc lock": {
		"ipc lock mutex://deploy -- ./deploy.sh production":                      {before: deployScript, want: "deployed production"},
		"ipc lock mutex://backup --try -- make backup":                           {before: makefile, want: "made backup"},
		"ipc lock rwmutex://data --shared -- grep x data":                        {before: "echo x >data", want: "x"},
		"ipc lock file:///tmp/build.lock -- make":                                {want: "made all", after: "test -e /tmp/build.lock"},
		`ipc lock mutex://log --timeout 5s -- sh -c 'echo "$0" >> log' "a line"`: {after: "grep -x 'a line' log"},
	},
	"ipc acquire": {
		"ipc create sem://jobs --value 2":                        {},
		"ipc acquire sem://jobs -- make all":                     {before: makefile, want: "made all"},
		"ipc acquire sem://jobs --count 2 -- make docs":          {want: "made docs"},
		"ipc acquire sem://jobs --timeout 10 && start-something": {before: standIn("start-something", "echo started"), want: "started"},
	},
	"ipc release": {
		"ipc release sem://jobs":           {before: "ipc create sem://jobs --value 0"},
		"ipc release sem://jobs --count 3": {after: "for i in 1 2 3 4; do ipc acquire sem://jobs --try; done; ! ipc acquire sem://jobs --try"},
	},
	"ipc wait": {
		`ipc wait event://ready && echo "the server is ready"`: {before: "ipc create event://ready", ends: "ipc set event://ready", want: "the server is ready"},
		"ipc wait event://ready --timeout 10s":                 {ends: "ipc set event://ready"},
		"ipc wait mq://jobs":                                   {before: "ipc create mq://jobs", ends: "ipc send mq://jobs build"},
	},
	"ipc set":   {"ipc set event://ready": {before: "ipc create event://ready", after: "ipc wait event://ready --timeout 10s"}},
	"ipc reset": {"ipc reset event://ready": {before: "ipc create event://ready; ipc set event://ready", after: "! ipc wait event://ready --try"}},
	"ipc ls": {
		"ipc ls":                           {before: "ipc create sem://jobs --value 1; ipc create mutex://deploy", want: "sem://jobs"},
		"ipc ls sem:// mutex://":           {want: "mutex://deploy"},
		"ipc ls fifo:///tmp mq:///var/tmp": {before: "ipc create fifo:///tmp/log", want: "fifo:///tmp/log"},
		"ipc ls --json | jq -r 'select(.stale) | .url'": {cant: lacks("jq")},
	},
	"ipc stat": {
		"ipc stat sem://jobs": {before: "ipc create sem://jobs --value 2", want: "2"},
		"ipc stat pipe://chat": {
			before: "ipc serve pipe://chat --count 1 --json >heard & until grep -q listening heard; do :; done",
			after:  "ipc send pipe://chat bye", want: "chat"},
		"ipc stat mutex://deploy --json | jq '.processes[].pid'": {
			before: "mkfifo go; ipc lock mutex://deploy -- sh -c 'echo held >got; cat go' & until test -s got; do :; done", after: ": >go", cant: lacks("jq")},
	},
	"ipc bench": {
		"ipc bench": {cant: "it takes a minute; the other examples are parts of it"},
		"ipc bench --only unix,mq --sizes 64,64K --time 100ms --pin 0,1":                               {want: "64 KiB", cant: oneCPU()},
		"ipc bench --only mq --sizes 56 --json > old.json":                                             {after: "grep limit_rtt_ns old.json"},
		"ipc bench --only mq --sizes 56 --compare old.json":                                            {want: "of limit before"},
		"ipc bench --only mq --sizes 56,4K --html out.html --svg chart-light.svg --svg chart-dark.svg": {after: "grep '</html>' out.html; grep '</svg>' chart-light.svg chart-dark.svg"},
	},
	"ipc relay": {
		"ipc relay tcp://127.0.0.1:8085 pipe://app": {
			before: "ipc serve pipe://app --exec 'tr a-z A-Z' --count 2 &",
			ends:   "echo abc | ipc relay stdio:// tcp://127.0.0.1:8085 --retry | grep ABC\n" + interrupt},
		"ipc relay fifo:///tmp/log mq://log": {
			before: "ipc create fifo:///tmp/log; ipc create mq://log",
			ends:   "echo started >/tmp/log", after: "ipc receive mq://log | grep -x started"},
		"ipc relay stdio:// pipe://app --tap session.jsonl": {stdin: "abc\n", want: "ABC", after: "test $(wc -l <session.jsonl) = 2"},
	},
	"ipc replay": {
		"ipc replay session.jsonl pipe://app": {
			before: "ipc serve pipe://app --exec 'tee -a heard' --count 5 & echo abc | ipc relay stdio:// pipe://app --retry --tap session.jsonl"},
		"ipc replay - pipe://app < session.jsonl":        {},
		"ipc replay session.jsonl pipe://app --speed 10": {},
		"ipc replay session.jsonl pipe://app --speed 0":  {after: "wait; test $(grep -c abc heard) = 5"},
	},
	"ipc demo": {
		"ipc demo": {want: "verdict"},
		"ipc demo --json | jq 'select(.event == \"row\")'": {want: `"verdict": "ok"`, cant: lacks("jq")},
	},
	"ipc completion":            {"source <(ipc completion bash)": {after: "complete -p ipc"}},
	"ipc completion bash":       {"ipc completion bash": {want: "bash completion"}},
	"ipc completion zsh":        {"ipc completion zsh": {want: "#compdef"}},
	"ipc completion fish":       {"ipc completion fish": {want: "fish completion"}},
	"ipc completion powershell": {"ipc completion powershell": {want: "Register-ArgumentCompleter"}},
	"ipc help":                  {"ipc help serve": {want: "ipc serve URL"}},
}

// standIn is shell code that makes a program of that name.
func standIn(program, code string) string {
	return "printf '#!/bin/sh\\n%s\\n' '" + code + "' >/tmp/bin/" + program + "; chmod +x /tmp/bin/" + program + "\n"
}

// lacks says that a program is missing, if it is.
func lacks(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return err.Error()
	}
	return ""
}

// Every example of every verb's help does what it says.
func TestExamplesRun(t *testing.T) {
	met := map[string]bool{}
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		verb := cmd.CommandPath()
		met[verb] = true
		t.Run(strings.ReplaceAll(verb, " ", "_"), func(t *testing.T) {
			lines := strings.Split(strings.TrimSpace(cmd.Example), "\n")
			runScript(t, lines, exampleSteps[verb])
			expectMet(t, lines, exampleSteps[verb])
		})
		for _, c := range cmd.Commands() {
			each(c)
		}
	}
	each(newRoot())
	for _, verb := range slices.Sorted(maps.Keys(exampleSteps)) {
		if !met[verb] {
			t.Errorf("there are steps for %q, and no such verb", verb)
		}
	}
}

// oneCPU says that there aren't two.
func oneCPU() string {
	if runtime.NumCPU() < 2 {
		return "there is one CPU only"
	}
	return ""
}
