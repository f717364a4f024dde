package demo

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/mmap"
)

// mappedFile joins processes that know a path. The file goes with the run's
// directory: on Windows a file can't be removed while a process has it mapped.
var mappedFile = demo{
	mechanism: "mapped file",
	scheme:    "mmap",
	server: func(p *process) error {
		m, err := p.mapFile(os.O_CREATE|os.O_EXCL, &mmap.Config{Capacity: turnBufferSize})
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("makes the file %s of %d bytes and maps it", m.Name(), m.Len())
		p.ready()
		return p.answerOn(turnBuffer{m})
	},
	client: func(p *process) error {
		m, err := p.mapFile(0, nil)
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("maps it too")
		return p.talkOn(turnBuffer{m})
	},
}

func (p *process) mapFile(flags int, cfg *mmap.Config) (*mmap.Mapping, error) {
	f, err := os.OpenFile(filepath.Join(p.dir, "mapped"), os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mmap.Map(f, cfg)
}
