package sys

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenFiles is which processes have which files open or mapped, as of one look.
type OpenFiles struct {
	users map[string][]int
	all   bool // every process was looked into
}

// ReadOpenFiles looks into the processes of this machine that this user may look into.
// It notes the files that they have open whose links in /proc begin with prefix, which is
// a directory or socket:[, and with a directory all files that they have mapped, whatever
// their paths: a file that was made without a name keeps none there. It opens no file.
func ReadOpenFiles(prefix string) OpenFiles {
	open := OpenFiles{map[string][]int{}, true}
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return OpenFiles{}
	}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		note := func(key string) {
			if pids := open.users[key]; len(pids) == 0 || pids[len(pids)-1] != pid {
				open.users[key] = append(pids, pid)
			}
		}
		dir := "/proc/" + p.Name()
		err = eachDescriptor(dir+"/fd/", prefix, note)
		if err == nil && strings.HasPrefix(prefix, "/") {
			err = eachMapping(dir+"/maps", note)
		}
		if errors.Is(err, fs.ErrPermission) { // otherwise it has ended
			open.all = false
		}
	}
	return open
}

func eachDescriptor(dir, prefix string, note func(key string)) error {
	descriptors, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, d := range descriptors {
		link, err := os.Readlink(dir + d.Name())
		switch {
		case errors.Is(err, fs.ErrPermission):
			return err
		case err != nil || !strings.HasPrefix(link, prefix): // or it was closed
		case strings.HasPrefix(link, "/"):
			if info, err := os.Stat(dir + d.Name()); err == nil {
				note(keyOf(info))
			}
		default:
			note(link)
		}
	}
	return nil
}

// eachMapping reads a file of mappings, whose lines are
//
//	ADDRESSES PERMISSIONS OFFSET MAJOR:MINOR INODE PATH
//
// See proc_pid_maps(5).
func eachMapping(maps string, note func(key string)) error {
	f, err := os.Open(maps)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if words := strings.Fields(line); len(words) > 5 && words[4] != "0" {
			note(words[3] + ":" + words[4])
		}
		if errors.Is(err, fs.ErrPermission) {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

// keyOf returns what a file is noted by: its device and inode as in maps.
func keyOf(info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
}

// Users returns the processes that have a file open or mapped, in order, and whether
// these are all of this pid namespace. A file that isn't mapped and has several names may
// be open by another one.
func (o OpenFiles) Users(file fs.FileInfo) (pids []int, all bool) {
	pids, all = o.users[keyOf(file)], o.all && file.Sys().(*syscall.Stat_t).Nlink <= 1
	return sorted(pids), all
}

// UsersOfLink is Users of what has the link socket:[INODE].
func (o OpenFiles) UsersOfLink(link string) (pids []int) { return sorted(o.users[link]) }

func sorted(pids []int) []int {
	pids = slices.Clone(pids)
	slices.Sort(pids)
	return pids
}
