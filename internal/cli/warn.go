package cli

import (
	"fmt"
	"os"
)

// warn tells the user, on standard error, of something that is no failure.
func warn(format string, args ...any) {
	fmt.Fprintln(os.Stderr, printable(fmt.Sprintf("ipc: warning: "+format, args...), "\n\t"))
}
