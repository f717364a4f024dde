// Package cli is the command ipc. Each verb has a file of its own, which holds
// its flags, its help and what it does; the other files hold what several verbs
// share. [Main] runs the command that the process's arguments say.
package cli
