package simboard

import (
	"fmt"
	"os"
	"strings"
)

// AddFile puts a file into the board's file system, given as NAME:PATH.
func (o *Options) AddFile(file string) error {
	name, path, ok := strings.Cut(file, ":")
	if !ok || name == "" || path == "" {
		return fmt.Errorf("%q is not NAME:PATH, as in boot.py:test/boot.py", file)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if o.Files == nil {
		o.Files = map[string]string{}
	}
	o.Files[name] = string(content)
	return nil
}
