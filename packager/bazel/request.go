package bazel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// RequestVar is the environment variable by which `bazel run` and `bazel test`
// tell the packager to carry out a request. It holds the path of the request.
const RequestVar = "ROMFS_REQUEST"

// testKind is the kind of a deploy in a test, where the environment's port
// comes before the target's.
const testKind = "deploy_test"

// portVar is the environment variable that names a port.
const portVar = "ROMFS_PORT"

// workspaceVar is the environment variable by which `bazel run` says where the
// source tree is.
const workspaceVar = "BUILD_WORKSPACE_DIRECTORY"

// requestSuffix is what follows the name of an executable in that of its request.
const requestSuffix = ".request.json"

// A Request is what a deploy or test target does. The rules in //rules write it.
type Request struct {
	Label       string   `json:"label"`
	Kind        string   `json:"kind"` // deploy, deploy_test, test, diff or sign
	Deploys     []Deploy `json:"deploys"`
	Test        *Test    `json:"test"`
	Diff        *Diff    `json:"diff"`
	Sign        *Sign    `json:"sign"`
	MicroPython string   `json:"micropython"` // the interpreter; empty for a target that needs none, and without one
	// MicroPythonProblem says why there is none for a target that needs it.
	MicroPythonProblem string            `json:"micropython_problem"`
	Jobs               int               `json:"jobs"` // how many boards are written at once
	Env                map[string]string `json:"env"`

	files *runfiles
}

// A Deploy is one image for one board. Files are runfiles paths.
type Deploy struct {
	Target    string   `json:"target"` // label, for people
	Image     string   `json:"image"`
	Board     Board    `json:"board"`
	Partition string   `json:"partition"`
	Port      string   `json:"port"`
	Imports   []string `json:"imports"`
	Flags     []string `json:"flags"`
	// RequireSignature are public keys: the image has to be signed by one of them.
	RequireSignature []string `json:"require_signature"`
	Signature        string   `json:"signature"` // the envelope; empty: beside the image
}

// A Board is named by the id of its profile or by a board file.
type Board struct {
	ID      string `json:"id"`
	Profile string `json:"profile"`
}

// A Diff compares two images.
type Diff struct {
	Image    string `json:"image"`
	Expected string `json:"expected"`
	// MaxBlocks is how many flash blocks a deploy of Image over Expected may
	// send; negative: they must be the same.
	MaxBlocks int64 `json:"max_blocks"`
}

// A Sign signs an image.
type Sign struct {
	Image string   `json:"image"` // runfiles path
	Out   string   `json:"out"`   // the envelope, from the workspace's root
	Flags []string `json:"flags"`
}

// FindRequest returns the path of the request that this process was started
// for, or "" for the packager as such. The environment variable says it; so
// does a request that lies beside the executable, under any of the names that
// lead to it: the target's executable is a link to the packager.
func FindRequest(argv0 string, getenv func(string) string) string {
	if path := getenv(RequestVar); path != "" {
		if abs, err := filepath.Abs(path); err == nil && isFile(abs) {
			return abs
		}
	}
	path := argv0
	if filepath.Base(path) == path {
		found, err := exec.LookPath(path)
		if err != nil {
			return ""
		}
		path = found
	}
	for range 40 { // as many hops as Linux follows
		abs, err := filepath.Abs(path)
		if err != nil {
			return ""
		}
		if request := abs + requestSuffix; isFile(request) {
			return request
		}
		next, err := os.Readlink(abs)
		if err != nil {
			return ""
		}
		if path = next; !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(abs), path)
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// ReadRequest reads a request and finds its runfiles: by the environment, or
// beside the executable that the request is named after.
func ReadRequest(path string) (*Request, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Request)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Label = shortLabel(r.Label)
	for i := range r.Deploys {
		r.Deploys[i].Target = shortLabel(r.Deploys[i].Target)
	}
	if r.files, err = findRunfiles(path, os.Getenv); err != nil {
		return nil, &TargetError{r.Label, err}
	}
	return r, nil
}

// file returns the absolute path of a runfile, and "" for "".
func (r *Request) file(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	path, err := r.files.path(name)
	if err != nil {
		return "", &TargetError{r.Label, err}
	}
	return path, nil
}

// runfileMark is how the rules write $(location ...): {runfile:PATH}.
const runfileMark = "{runfile:"

// expand replaces each runfile that a text names by its path on this machine.
func (r *Request) expand(text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, runfileMark)
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		name, after, _ := strings.Cut(rest, "}")
		path, err := r.file(name)
		if err != nil {
			return "", err
		}
		out.WriteString(path)
		text = after
	}
}

// A Command is one command line of `romfs`.
type Command struct {
	Target string // whose it is, for people
	Args   []string
	// Board tells the boards apart: commands of the same one follow each other.
	Board string
}

// Commands returns the command lines of `romfs` that carry out a deploy, a diff
// or a signing. Args are the user's, from behind `--`: they come last, and so override.
// Named tells whether this machine's ports file has a name.
func (r *Request) Commands(args []string, named func(string) bool) ([]Command, error) {
	if r.Kind == "sign" {
		c, err := r.Sign.command(r, args)
		return []Command{c}, err
	}
	if r.Kind == "diff" {
		image, err := r.file(r.Diff.Image)
		if err != nil {
			return nil, err
		}
		expected, err := r.file(r.Diff.Expected)
		if err != nil {
			return nil, err
		}
		return []Command{{Target: r.Label, Args: append([]string{"diff", "--exit-code", expected, image}, args...)}}, nil
	}
	var commands []Command
	for i := range r.Deploys {
		c, err := r.Deploys[i].command(r, args, named)
		if err != nil {
			return nil, err
		}
		commands = append(commands, c)
	}
	return commands, nil
}

// command signs into the source tree, where an envelope is a file like any
// other: started without Bazel, into the current directory.
func (s *Sign) command(r *Request, args []string) (Command, error) {
	image, err := r.file(s.Image)
	if err != nil {
		return Command{}, err
	}
	out := path.Base(s.Out)
	if root := os.Getenv(workspaceVar); root != "" {
		out = filepath.Join(root, filepath.FromSlash(s.Out))
	}
	c, err := r.appendExpanded([]string{"sign", image, "--out", out}, s.Flags)
	return Command{Target: r.Label, Args: append(c, args...)}, err
}

// appendExpanded appends flags with the paths of the runfiles that they name.
func (r *Request) appendExpanded(command, flags []string) ([]string, error) {
	for _, flag := range flags {
		flag, err := r.expand(flag)
		if err != nil {
			return nil, err
		}
		command = append(command, flag)
	}
	return command, nil
}

func (d *Deploy) command(r *Request, args []string, named func(string) bool) (Command, error) {
	image, err := r.file(d.Image)
	if err != nil {
		return Command{}, err
	}
	profile, err := r.file(d.Board.Profile)
	if err != nil {
		return Command{}, err
	}
	c := []string{"deploy", image}
	for _, f := range []struct{ flag, value string }{
		{"--board", d.Board.ID}, {"--board", profile}, {"--partition", d.Partition},
	} {
		if f.value != "" {
			c = append(c, f.flag, f.value)
		}
	}
	// --port may be repeated, for several boards at once, so the attribute
	// steps back where the user names one.
	port := d.Port
	if port == "" && named(d.Target) {
		port = d.Target
	}
	if port != "" && !namesPort(args) && !namesPort(d.Flags) && !(r.Kind == testKind && os.Getenv(portVar) != "") {
		if strings.HasPrefix(port, "sim:") && r.MicroPythonProblem != "" {
			return Command{}, &TargetError{r.Label, errors.New(r.MicroPythonProblem)}
		}
		c = append(c, "--port", port)
	}
	for _, module := range d.Imports {
		c = append(c, "--import", module)
	}
	if c, err = d.appendDemand(c, r, args); err != nil {
		return Command{}, err
	}
	if c, err = r.appendExpanded(c, d.Flags); err != nil {
		return Command{}, err
	}
	key := port + "\t" + d.Board.ID + profile
	if namesPort(args) {
		key = ""
	}
	return Command{Target: d.Target, Args: append(c, args...), Board: key}, nil
}

// appendDemand appends whose signature the image must have.
func (d *Deploy) appendDemand(command []string, r *Request, args []string) ([]string, error) {
	if len(d.RequireSignature) > 0 {
		switch {
		case names(args, "--key"): // of several one is enough
			return nil, &TargetError{d.Target, errors.New("require_signature says by which keys the image has to be signed, and --key would add another: leave it out")}
		case d.Signature == "" && !names(args, "--signature") && !names(d.Flags, "--signature"):
			return nil, &TargetError{d.Target, errors.New("require_signature asks for a signature, and there is no envelope with one: sign with a romfs_sign, and name what it writes in the attribute signature, or behind -- with --signature FILE")}
		}
	}
	for _, name := range d.RequireSignature {
		key, err := r.file(name)
		if err != nil {
			return nil, err
		}
		command = append(command, "--key", key)
	}
	signature, err := r.file(d.Signature)
	if err == nil && signature != "" {
		command = append(command, "--signature", signature)
	}
	return command, err
}

// Prepare sets the environment that the commands find their tools by.
func (r *Request) Prepare(setenv func(key, value string) error) error {
	for name, value := range r.Env {
		value, err := r.expand(value)
		if err != nil {
			return err
		}
		if err := setenv(name, value); err != nil {
			return err
		}
	}
	interpreter, err := r.file(r.MicroPython)
	if err != nil || interpreter == "" {
		return err
	}
	return setenv("ROMFS_MICROPYTHON", interpreter)
}

// namesPort reports whether the user's flags choose a port or board of theirs.
func namesPort(args []string) bool { return names(args, "--port", "--all", "--via") }

// names reports whether one of the flags is among the arguments.
func names(args []string, flags ...string) bool {
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if slices.Contains(flags, name) {
			return true
		}
	}
	return false
}
