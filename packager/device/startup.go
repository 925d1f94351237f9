package device

import (
	"context"
	"strings"

	"rules_romfs/packager/repl"
)

// A Startup is what firmware does after boot.py.
type Startup struct {
	Directory string // where it looks for main.py
	Main      bool   // there is one
	ROM       bool   // which has to do with /rom
}

// Startup asks a board at its raw REPL after a reset what its firmware will run.
func (b *Board) Startup(ctx context.Context) (*Startup, error) {
	text, err := probe(ctx, b.repl, "u", program(nil, "say", "built_in", "startup"), repl.AnswerLimit)
	if err != nil {
		return nil, err
	}
	main, directory, _ := strings.Cut(text, "|")
	return &Startup{Directory: directory, Main: main != "none", ROM: main == "rom"}, nil
}
