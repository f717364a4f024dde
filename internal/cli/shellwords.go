package cli

import (
	"errors"
	"os"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// splitPipeline splits a pipeline as a shell does, such as ps -ef | grep "$USER",
// into the words of its commands. Quotes, variables, ~ and patterns work as in a
// shell, but for backslashes on Windows; what else only a shell can do is refused.
func splitPipeline(text string) ([][]string, error) {
	return readShellText(text, backslashesAreText).split()
}

func (s *shellText) split() ([][]string, error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(s.shell), "")
	if err != nil {
		var parse syntax.ParseError
		if errors.As(err, &parse) {
			return nil, usagef("can't read %q: at character %d: %s", s.text, s.character(parse.Pos), parse.Text)
		}
		return nil, usagef("can't read %q: %w", s.text, err)
	}
	if len(file.Stmts) != 1 {
		if len(file.Stmts) == 0 {
			return nil, usagef("the command is empty")
		}
		return nil, s.unsupported(file.Stmts[1].Pos(), "a second command")
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			err = s.unsupported(n.Pos(), "a command as a word")
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	calls, err := s.flatten(file.Stmts[0])
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	cfg := &expand.Config{
		Env:      expand.ListEnviron(append(os.Environ(), "PWD="+dir)...), // where patterns are looked up
		ReadDir2: os.ReadDir,
	}
	var commands [][]string
	for _, c := range calls {
		words, err := expand.Fields(cfg, c.Args...)
		if err != nil {
			return nil, usagef("can't expand %q: %w", s.text, err)
		}
		if len(words) == 0 || words[0] == "" {
			return nil, usagef("a command in %q is empty once its variables are expanded", s.text)
		}
		commands = append(commands, words)
	}
	return commands, nil
}

// splitCommand is splitPipeline for one command.
func splitCommand(text string) ([]string, error) {
	commands, err := splitPipeline(text)
	if err != nil {
		return nil, err
	}
	if len(commands) > 1 {
		return nil, usagef("%q is a pipeline, one command is possible here; let a shell run it: %s", text, shellHint)
	}
	return commands[0], nil
}

// flatten returns the simple commands that pipes join in st.
func (s *shellText) flatten(st *syntax.Stmt) ([]*syntax.CallExpr, error) {
	switch {
	case len(st.Redirs) > 0:
		return nil, s.unsupported(st.Redirs[0].OpPos, "the redirection "+st.Redirs[0].Op.String())
	case st.Negated:
		return nil, s.unsupported(st.Pos(), "!")
	case st.Background:
		return nil, s.unsupported(st.Semicolon, "&")
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		if len(c.Assigns) > 0 {
			return nil, s.unsupported(c.Assigns[0].Pos(), "the assignment "+c.Assigns[0].Name.Value+"=")
		}
		return []*syntax.CallExpr{c}, nil
	case *syntax.BinaryCmd:
		if c.Op != syntax.Pipe {
			return nil, s.unsupported(c.OpPos, c.Op.String())
		}
		left, err := s.flatten(c.X)
		if err != nil {
			return nil, err
		}
		right, err := s.flatten(c.Y)
		return append(left, right...), err
	}
	return nil, s.unsupported(st.Pos(), "shell syntax")
}

func (s *shellText) unsupported(at syntax.Pos, what string) error {
	return usagef("%s at character %d of %q needs a shell; let one run it: %s", what, s.character(at), s.text, shellHint)
}
