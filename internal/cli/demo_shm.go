package cli

import (
	"errors"
	"runtime"

	"github.com/breezeway-ipc/breezeway/shm"
)

// sharedMemory joins processes that know a segment's name.
var sharedMemory = demo{
	mechanism: "shared memory",
	missing:   noSegments(),
	server: func(p *player) (err error) {
		seg, err := shm.Create(p.name(), boardSize, nil)
		if err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, seg.Close())
			if runtime.GOOS != "windows" { // where it goes by itself
				err = errors.Join(err, shm.Remove(shm.KindSegment, p.name(), nil))
			}
		}()
		p.say("creates the segment %s of %d bytes", seg.Name(), seg.Len())
		p.ready()
		return p.answerOn(board{seg.Mapping})
	},
	client: func(p *player) error {
		seg, err := shm.Open(p.name(), nil)
		if err != nil {
			return err
		}
		defer seg.Close()
		p.say("opens it")
		return p.talkOn(board{seg.Mapping})
	},
}

func noSegments() string {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return ""
	}
	return "named segments are for Linux and Windows; map a file"
}
