// Package local binds and dials stream endpoints that have a path: it takes a
// name without ever displacing a live server, gives it up without removing
// another server's, and meets a server as soon as it appears.
package local
