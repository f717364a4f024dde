//go:build unix

package access

import (
	"errors"
	"os"
	"testing"
)

// An id beyond 32 bits is none: it would be cut to another user's.
func TestIDsBeyond32Bits(t *testing.T) {
	for _, id := range []string{"4294979641", "4294967295", "-1", "99999999999999999999"} {
		for _, allow := range []string{id, "@" + id} {
			if _, err := New(0, []string{allow}, nil); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("allow %s: %v", allow, err)
			}
		}
		if _, err := New(0, nil, []string{id}); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("trust %s: %v", id, err)
		}
	}
}
