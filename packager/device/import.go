package device

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"
)

//go:embed program/import.py
var importSource string

// importLimit bounds what a module does when it is imported.
const importLimit = 30 * time.Second

// Import imports a module on a board at its raw REPL and returns the file that
// it comes from, "" for one of the firmware's own. An exception is an
// *repl.Error.
func (b *Board) Import(ctx context.Context, module string) (string, error) {
	// Names of modules are identifiers, for which Go and Python quote alike.
	code := fmt.Sprintf("_name=%s\n%s", strconv.QuoteToASCII(module), importSource)
	return probe(ctx, b.repl, "m", code, importLimit)
}
