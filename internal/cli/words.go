package cli

import "github.com/breezeway-ipc/breezeway/internal/fail"

// goWords are what errors of the library name in the command instead of Go: a flag, or
// what can be done without one.
var goWords = map[fail.Go]string{
	"Config.Allow":   "--allow",
	"Config.Mode":    "--mode",
	"Config.Trust":   "--trust",
	"Config.Message": "--message",
	"Config.Max":     "--max",
	"Config.Flock":   "a lock without --fcntl",

	"Config.MaxMessage":       "the limit",
	"Config.Host":             "its name",
	"Config.Direction is In":  "--direction in",
	"Config.Direction is Out": "--direction out",
	"set Config.Scope to breezeway.Machine at both ends": "run both in one session",

	"Config.AnonymousClients": "--anonymous-clients",
	"Config.HandshakeTimeout": "the time for it",
	"Config.TLS":              "--cert, --key and --ca",
	"Config.Token":            "--token-file or IPC_TOKEN",
	"tls.Config.Certificates": "--cert and --key",
	"tls.Config.RootCAs":      "--ca",
	"tls.Config.ServerName":   "--server-name",

	"Config.Capacity":             "--capacity",
	"Config.CapacityBytes":        "--capacity-bytes",
	"larger Config.MaxMessage":    "larger --max-message",
	"Config.DeadLetter":           "--dead-letter",
	"Config.MaxDeliveries":        "--max-deliveries",
	"Config.Sync":                 "--sync",
	"larger Config.CapacityBytes": "larger --capacity-bytes",
	"POSIXConfig.Capacity":        "--capacity",
	"POSIXConfig.MaxMessage":      "--max-message",
	"SystemVConfig.CapacityBytes": "--capacity-bytes",

	"Config.BufferSize": "the option buffer-size",
	"Config.MaxConns":   "the option max-conns",

	", with Config.ReadOnly": "",
	" with DialWait":         "",
	", with Listen and Dial": "",
	"MakeFIFO":               "`ipc create`",
}
