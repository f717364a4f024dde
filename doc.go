// Package breezeway holds what all mechanisms of the module share: the error
// type and its sentinels, the rules for names, and the identity of a peer process.
//
// # When to use it
//
// A program imports the package of a mechanism, such as
// [github.com/breezeway-ipc/breezeway/pipe], and this one to tell errors apart
// or to look at a [Peer]. On its own it does nothing.
//
// # Caveats
//
//   - [Peer.PID] and [Peer.Executable] are information: the process may be gone,
//     and its id reused. Decide by user.
//   - In a container the superuser of the container is uid 0 to its neighbours
//     in the same user namespace, and is admitted as such.
package breezeway
