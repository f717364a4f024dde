package cli

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/mmap"
)

// mappedFile joins processes that know a path. The file goes with the run's
// directory: Windows lets nobody remove it while the other one has it mapped.
var mappedFile = demo{
	mechanism: "mapped file",
	server: func(p *player) error {
		m, err := p.mapFile(os.O_CREATE|os.O_EXCL, &mmap.Config{Capacity: boardSize})
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("makes the file %s of %d bytes and maps it", m.Name(), m.Len())
		p.ready()
		return p.answerOn(board{m})
	},
	client: func(p *player) error {
		m, err := p.mapFile(0, nil)
		if err != nil {
			return err
		}
		defer m.Close()
		p.say("maps it too")
		return p.talkOn(board{m})
	},
}

func (p *player) mapFile(flags int, cfg *mmap.Config) (*mmap.Mapping, error) {
	f, err := os.OpenFile(filepath.Join(p.dir, "mapped"), os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mmap.Map(f, cfg)
}
