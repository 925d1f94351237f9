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
func (d *deployer) imports(ctx context.Context) error {
	for _, module := range d.Imports {
		file, err := d.b.Import(ctx, module)
		var raised *repl.Error
		switch {
		case errors.As(err, &raised):
			return &VerifyError{fmt.Sprintf("%s: importing %s: %v\n%s", d.b.Port, module, raised, strings.TrimSpace(raised.Traceback))}
		case err != nil:
			return err
		case file == "":
			return &VerifyError{fmt.Sprintf("%s: %s is a module of the firmware's own, not of the image", d.b.Port, module)}
		case !strings.HasPrefix(file, "/rom/"):
			return &VerifyError{fmt.Sprintf("%s: %s was imported from %s, which hides the image's; remove it from the board", d.b.Port, module, file)}
		}
		d.result.Imported = append(d.result.Imported, Imported{module, file})
	}
	return nil
}
