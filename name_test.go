package breezeway_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "7", "chat", "A.b_c-9", strings.Repeat("n", 200)} {
		if err := breezeway.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, says := range map[string]string{
		"":                       "empty",
		strings.Repeat("n", 201): "201",
		"a/b":                    `'/'`,
		`a\b`:                    `'\\'`,
		"a\x00b":                 `'\x00'`,
		"..":                     `'.'`,
		"-a":                     `'-'`,
		"naïve":                  `byte 3 of the name is 'ï'`,
		"a\xff":                  "byte 2 of the name is 0xff",
		"a b":                    `' '`,
	} {
		err := breezeway.CheckName(name)
		if !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v does not say %s", name, err, says)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	f.Add("chat")
	f.Add("a/../b")
	f.Fuzz(func(t *testing.T, name string) {
		if breezeway.CheckName(name) != nil {
			return
		}
		if len(name) == 0 || len(name) > breezeway.MaxNameLen || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			t.Errorf("%q passed", name)
		}
	})
}
