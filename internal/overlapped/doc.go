// Package overlapped is a Windows handle opened for overlapped I/O whose calls
// have deadlines and end with Close. It differs from os.File in that a message of
// no bytes is not the end of the stream. On other systems it is empty.
package overlapped
