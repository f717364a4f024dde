package demo

import (
	"errors"
	"runtime"

	"github.com/breezeway-ipc/breezeway/shm"
)

// sharedMemory joins processes that know a segment's name.
var sharedMemory = demo{
	mechanism: "shared memory",
	scheme:    "shm",
	missing:   linuxAndWindows("named segments"),
	remove:    func(name string) { shm.Remove(shm.KindSegment, name, nil) },
	server: func(p *process) (err error) {
		seg, err := shm.Create(p.name(), turnBufferSize, nil)
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
		return p.answerOn(turnBuffer{seg.Mapping})
	},
	client: func(p *process) error {
		seg, err := shm.Open(p.name(), nil)
		if err != nil {
			return err
		}
		defer seg.Close()
		p.say("opens it")
		return p.talkOn(turnBuffer{seg.Mapping})
	},
}
