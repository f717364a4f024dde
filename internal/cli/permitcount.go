package cli

import (
	"errors"
	"strconv"
)

// permitCount is the value of a flag that counts permits: 1 or more.
type permitCount int

func (n *permitCount) String() string { return strconv.Itoa(int(*n)) }

// Type is what --help calls the value.
func (n *permitCount) Type() string { return "PERMITS" }

func (n *permitCount) Set(text string) error {
	count, err := strconv.ParseInt(text, 10, 32)
	if err != nil || count < 1 {
		return errors.New("give a number of permits, at least 1, such as 3")
	}
	*n = permitCount(count)
	return nil
}
