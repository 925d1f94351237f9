package deploy

import (
	"context"
	"fmt"
	"io/fs"

	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A Note is what a user would want to know of a deploy that went well.
type Note struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// NoteMainNotRun: the image has a main.py, and the firmware will not run it.
const NoteMainNotRun = "main-not-run"

// note keeps a note and shows it.
func (j *job) note(code, format string, args ...any) {
	n := Note{code, fmt.Sprintf(format, args...)}
	j.result.Notes = append(j.result.Notes, n)
	j.req.Reporter.Log(report.Info, fmt.Sprintf("%s: %s [%s]", j.b.Port, n.Message, n.Code))
}

// noteMain says of a main.py in the image what it takes to run it: firmware looks for
// main.py in its working directory, which is /rom on a few boards only.
func (j *job) noteMain(ctx context.Context) error {
	name := j.mainFile()
	if name == "" {
		return nil
	}
	s, err := j.b.Startup(ctx)
	if err != nil || s.Directory == "/rom" || s.ROM {
		return err
	}
	own := "the board's own main.py"
	if s.Main {
		own += ", which it has and which does not mention /rom,"
	} else {
		own += " (there is none yet)"
	}
	j.note(NoteMainNotRun, `firmware runs main.py of %s only, so /rom/%s will not run; write into %s: import sys; sys.path.insert(0, "/rom"); import main`,
		s.Directory, name, own)
	return nil
}

// mainFile returns the name of the main program at the root of an image that firmware mounts; ""
// if there is none.
func (j *job) mainFile() string {
	if j.seg.Index != 0 {
		return ""
	}
	image, err := romfs.Parse(j.req.Image)
	if err != nil {
		return ""
	}
	for _, name := range []string{"main.py", "main.mpy"} {
		if info, err := fs.Stat(image, name); err == nil && !info.IsDir() {
			return name
		}
	}
	return ""
}
