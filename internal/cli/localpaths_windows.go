package cli

import "strings"

// localPaths puts this system's paths into help.
var localPaths = strings.NewReplacer(
	"mmap:///PATH", "mmap:///C:/PATH", "file:///PATH", "file:///C:/PATH", "the file at /PATH", `the file C:\PATH`,
	"mmap:///var/tmp/", "mmap:///C:/Temp/", "file:///tmp/", "file:///C:/Temp/")
