package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rules_romfs/packager/device"
)

// Imported is a module that the board imported after a deploy.
type Imported struct {
	Module string `json:"module"`
	File   string `json:"file"` // on the board
}

// An ImportError says that the image is on the board and mounted, but that one of its
// modules could not be imported.
type ImportError struct {
	Port   string
	Module string
	Import *device.Import // what came of it; nil: it was interrupted
	Limit  time.Duration  // that it had
	Err    error          // why it was interrupted
}

func (e *ImportError) Error() string {
	text := fmt.Sprintf("%s: the image is deployed, but %s", e.Port, e.what())
	if e.Import != nil && e.Import.Output != "" {
		text += "\nit had printed:\n" + e.Import.Output
	}
	return text
}

func (e *ImportError) what() string {
	if e.Import == nil {
		return fmt.Sprintf("importing %s was interrupted: %v", e.Module, e.Err)
	}
	detail := e.Import.Detail
	switch e.Import.Outcome {
	case device.Raised:
		return fmt.Sprintf("importing %s raised %s\n%s", e.Module, lastLine(detail), detail)
	case device.Exited:
		if detail != "" {
			detail = ", which says " + detail
		}
		return fmt.Sprintf("importing %s ended in SystemExit%s: a module that is to be imported must not call sys.exit()", e.Module, detail)
	case device.Restarted:
		return fmt.Sprintf("the board restarted while it imported %s", e.Module)
	case device.Endless:
		text := fmt.Sprintf("importing %s did not end within %v; a program that runs for ever belongs into a function, or give it more time (--import-timeout)", e.Module, e.Limit)
		if detail == "" {
			return text + "; it does not heed Ctrl-C, reset the board"
		}
		return text + "; it was stopped here:\n" + detail
	}
	switch file := e.Import.File; file {
	case "":
		return fmt.Sprintf("%s is a module of the firmware's own, not of the image", e.Module)
	default:
		return fmt.Sprintf("%s was imported from %s, which hides the image's; remove it from the board", e.Module, file)
	}
}

func (e *ImportError) Unwrap() error { return e.Err }

// lastLine returns what a traceback ends with: the exception.
func lastLine(traceback string) string {
	return traceback[strings.LastIndexByte(traceback, '\n')+1:]
}

// defaultImportTimeout bounds how long a module takes to be imported.
const defaultImportTimeout = 30 * time.Second

// imports lets the board import the modules that the request names: the last
// proof, that the application is there and works this far. The board is reset
// before anything else runs on it.
func (j *job) imports(ctx context.Context) error {
	limit := j.req.ImportTimeout
	if limit <= 0 {
		limit = defaultImportTimeout
	}
	for _, module := range j.req.Imports {
		m, err := j.b.Import(ctx, module, limit)
		switch {
		case ctx.Err() != nil:
			return &ImportError{Port: j.b.Port, Module: module, Err: ctx.Err()}
		case err != nil:
			return err
		case m.Outcome != device.Imported || !strings.HasPrefix(m.File, "/rom/"):
			j.result.ImportFailed = m
			return &ImportError{Port: j.b.Port, Module: module, Import: m, Limit: limit}
		}
		j.result.Imported = append(j.result.Imported, Imported{module, m.File})
	}
	return nil
}
