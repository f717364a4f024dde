// Command timetable-host gives a browser's extension the timetable, by Chrome's native
// messaging: ../README.md says how it is installed.
//
// The browser starts it for an extension, and talks to it through standard input and
// output. It has no port and needs no page. It calls the same store as the page's server,
// or starts one if there is none.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/examples/timetable/store"
)

const (
	hostName = "io.github.breezeway_ipc.timetable"
	// origin is that of the extension in ../extension. Its manifest's key decides it.
	origin = "chrome-extension://gaghhngahbcfenpioodmegoabbeelalb/"
)

const usage = `usage: timetable-host ORIGIN     answers an extension, as a browser starts it
       timetable-host manifest   prints what tells a browser of this program
The environment variable TIMETABLE_FILE names the timetable's file.`

func main() {
	first := ""
	if len(os.Args) > 1 {
		first = os.Args[1]
	}
	var err error
	switch first {
	case store.Command:
		os.Exit(store.Main(os.Args[2:]))
	case "manifest":
		err = printManifest()
	case origin:
		err = serveBrowser()
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "timetable-host:", err)
		os.Exit(1)
	}
}

// printManifest prints the file by which a browser finds this program, and knows which
// extension may start it.
func printManifest() error {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{
		"name":            hostName,
		"description":     "The timetable's store",
		"path":            program,
		"type":            "stdio",
		"allowed_origins": []string{origin},
	})
}

// serveBrowser answers a browser until it closes standard input.
func serveBrowser() error {
	file := os.Getenv("TIMETABLE_FILE")
	if file == "" {
		file = store.DefaultFile()
	}
	if file == "" {
		return fmt.Errorf("the system has no folder for settings; set TIMETABLE_FILE to where the timetable is to be kept")
	}
	keeper, err := store.Keep(file, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	defer keeper.Close()
	return newHost(keeper, os.Stdout).serve(context.Background(), os.Stdin)
}
