package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rules_romfs/packager/repl"
)

// Imported is a module that the board imported after a deploy.
type Imported struct {
	Module string `json:"module"`
	File   string `json:"file"` // on the board
}

// imports lets the board import the modules that the request names: the last
// proof, that the application is there and works this far. The board is reset
// before anything else runs on it.
func (j *job) imports(ctx context.Context) error {
	for _, module := range j.req.Imports {
		file, err := j.b.Import(ctx, module)
		var raised *repl.Error
		switch {
		case errors.As(err, &raised):
			return &VerifyError{fmt.Sprintf("%s: importing %s: %v\n%s", j.b.Port, module, raised, strings.TrimSpace(raised.Traceback))}
		case err != nil:
			return err
		case file == "":
			return &VerifyError{fmt.Sprintf("%s: %s is a module of the firmware's own, not of the image", j.b.Port, module)}
		case !strings.HasPrefix(file, "/rom/"):
			return &VerifyError{fmt.Sprintf("%s: %s was imported from %s, which hides the image's; remove it from the board", j.b.Port, module, file)}
		}
		j.result.Imported = append(j.result.Imported, Imported{module, file})
	}
	return nil
}
