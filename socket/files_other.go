//go:build !linux

package socket

import "os"

func (c *Conn) sendFiles([]byte, []*os.File) (int, error) { return 0, errNoFiles }

func (c *Conn) receiveFiles([]byte, int) (int, []*os.File, error) { return 0, nil, errNoFiles }
