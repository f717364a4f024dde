//go:build !windows

package main

import "os"

// takesEscapes does nothing: terminals do.
func takesEscapes(*os.File) error { return nil }
