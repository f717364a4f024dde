package python

import "testing"

func TestPythonLiterals(t *testing.T) {
	for in, want := range map[string]string{
		"{'a': (1, 2, ), 'b':[True,False , None]}\n": "{'a': (1, 2), 'b': [True, False, None]}",
		`"it's"`:     `"it's"`,
		`'a\'b\\c"'`: `'a\'b\\c"'`,
		"( )":        "()",
		"(1)":        "1",
		"(-1,)":      "(-1,)",
	} {
		v, err := parsePython(in)
		if got := pyRepr(v); got != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "'", `'\n'`, "(1 2)", "{1: 2}", "{'a' 2}", "(", "1 2", "-", "99999999999999999999", "Nope", "{'a':1 'b':2}"} {
		if v, err := parsePython(in); err == nil {
			t.Errorf("%q is %s", in, pyRepr(v))
		}
	}
}
