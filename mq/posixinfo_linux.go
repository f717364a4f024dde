package mq

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

func listPOSIX() ([]POSIXInfo, error) {
	dir, err := sys.OpenMqueueFS()
	if err != nil {
		return nil, fmt.Errorf("the queues are listed in the file system mqueue, which is not mounted on /dev/mqueue; mount it: mount -t mqueue none /dev/mqueue (%w, %w)", errors.ErrUnsupported, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var infos []POSIXInfo
	for _, e := range entries {
		if breezeway.CheckName(e.Name()) != nil {
			continue
		}
		switch info, err := describePOSIX(int(dir.Fd()), e.Name()); {
		case err == nil:
			infos = append(infos, info)
		case !errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
			return nil, err
		}
	}
	slices.SortFunc(infos, func(a, b POSIXInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// describePOSIX describes the queue name of the directory.
func describePOSIX(dir int, name string) (POSIXInfo, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return POSIXInfo{}, err
	}
	info := POSIXInfo{
		Name: name, Owner: strconv.Itoa(int(st.Uid)), Mode: fs.FileMode(st.Mode).Perm(), Modified: time.Unix(st.Mtim.Unix()),
		Messages: -1, Bytes: -1, Capacity: -1, MaxMessage: -1,
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrPermission) {
		return info, nil
	}
	if err != nil {
		return info, err
	}
	defer unix.Close(fd)
	if attr, err := sys.MqGetattr(fd); err == nil {
		info.Messages, info.Capacity, info.MaxMessage = attr.Messages, attr.Capacity, attr.Size
	}
	var line [80]byte
	if n, err := unix.Pread(fd, line[:], 0); err == nil {
		info.Bytes = queueSize(line[:n])
	}
	return info, nil
}
