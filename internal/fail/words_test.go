package fail

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// A variable of a package is made before the command says which words it wants.
var early = Errorf("map it without %s (%w)", Go("Config.ReadOnly"), os.ErrPermission)

func TestCommandHasWordsOfItsOwn(t *testing.T) {
	for _, test := range []struct {
		words map[Go]string
		want  string
	}{
		{nil, "map it without Config.ReadOnly (permission denied)"},
		{map[Go]string{"Config.ReadOnly": "--read-only"}, "map it without --read-only (permission denied)"},
		{map[Go]string{"Config.Trust": "--trust"}, "map it without Config.ReadOnly (permission denied)"},
	} {
		speak(t, test.words)
		late := fmt.Errorf("map it without %s (%w)", Go("Config.ReadOnly"), os.ErrPermission)
		for _, err := range []error{early, late} {
			if err.Error() != test.want || !errors.Is(err, os.ErrPermission) {
				t.Errorf("%q, want %q", err, test.want)
			}
		}
	}
}
