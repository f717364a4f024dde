package demo

import "runtime"

// demos are the rows, one for each mechanism.
var demos = []demo{
	anonymousPipe, namedPipe, messagePipe, memoryConnection, fifo, sharedMemory, sharedStruct, latestValue, mappedFile,
	semaphore, mutex, rwMutex, event, leader, barrier, condition, fileLock,
	messageQueue, leasedMessage, posixQueue, systemVQueue, messageRing,
	unixSocket, tcpSocket, tlsSocket, remoteObject,
}

// demo shows one mechanism between two processes, which run server and client.
// Both end by themselves, and fail with an error.
type demo struct {
	mechanism string
	scheme    string            // of the command's URLs, if it has one
	missing   string            // why this system doesn't have it; "" if it does
	parental  bool              // the client starts the server, as its child
	remove    func(name string) // removes the objects that killed processes left
	server    func(*process) error
	client    func(*process) error
}

// Schemes returns the schemes of the command's URLs that a demo shows.
func Schemes() (schemes []string) {
	for _, d := range demos {
		if d.scheme != "" {
			schemes = append(schemes, d.scheme)
		}
	}
	return schemes
}

// linuxAndWindows returns why another system lacks what is for these two.
func linuxAndWindows(what string) string {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return ""
	}
	return what + " are for Linux and Windows"
}
