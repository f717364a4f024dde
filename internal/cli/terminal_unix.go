//go:build unix

package cli

import "os"

func understandsANSI(*os.File) bool { return true }
