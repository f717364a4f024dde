//go:build unix

package cli

import "strings"

// localPaths puts this system's paths into help, which has them.
var localPaths = strings.NewReplacer()
