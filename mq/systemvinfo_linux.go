package mq

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"
)

func listSystemV() ([]SystemVInfo, error) {
	text, err := os.ReadFile("/proc/sysvipc/msg")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no /proc/sysvipc/msg, which lists the queues (%w, %w)", errors.ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	infos, err := parseSystemV(text)
	slices.SortFunc(infos, func(a, b SystemVInfo) int { return cmp.Compare(a.Key, b.Key) })
	return infos, err
}

// parseSystemV reads what /proc/sysvipc/msg has: a line of headings, and a line for each
// queue.
func parseSystemV(text []byte) (infos []SystemVInfo, err error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Scan()
	for lines.Scan() {
		var key int32
		var mode uint32
		var q SystemVInfo
		var sender, receiver, owner, gid, creator, creatorGID int64
		var sent, received int64
		_, err := fmt.Sscanf(lines.Text(), "%d %d %o %d %d %d %d %d %d %d %d %d %d",
			&key, &q.ID, &mode, &q.Bytes, &q.Messages, &sender, &receiver, &owner, &gid, &creator, &creatorGID, &sent, &received)
		if err != nil {
			return infos, fmt.Errorf("/proc/sysvipc/msg has the line %q: %w", lines.Text(), err)
		}
		q.Key, q.Mode = uint32(key), fs.FileMode(mode).Perm()
		q.Owner, q.Creator = strconv.FormatInt(owner, 10), strconv.FormatInt(creator, 10)
		if last := max(sent, received); last != 0 {
			q.Modified = time.Unix(last, 0)
		}
		infos = append(infos, q)
	}
	return infos, lines.Err()
}
