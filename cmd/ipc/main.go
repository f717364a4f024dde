// Command ipc talks to other processes through pipes: `ipc --help`.
package main

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/cli"
)

func main() { os.Exit(cli.Main()) }
