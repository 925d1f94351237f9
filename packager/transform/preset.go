package transform

import (
	"bytes"
	"context"
	_ "embed" // vela.ini
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/internal/smallfile"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/report"
	"rules_romfs/packager/transform/haar"
)

// A preset is a tool whose command line this package knows.
type preset struct {
	name    string
	command string   // looked up in PATH; empty if it is built in
	version []string // arguments that make it say its version
	get     string   // how to get it
	env     []string // variables of the user's that it needs
	// decides is the option that says what to convert for. Where the board
	// says it, the manifest need not.
	decides string
	// args is the command line for a board's arguments and the manifest's.
	args      func(npu, own []string) (args []string, files []File)
	made      func(source string) []string
	converted func(source []byte) bool
	builtin   func(source []byte, args []string) ([]byte, error)
	format    string // of what is built in: part of the cache's key, to be counted up with its output
}

var presets = []preset{
	{
		name: "vela", command: "vela", version: []string{"--version"}, get: "install it with `python3 -m pip install ethos-u-vela`",
		decides: "--accelerator-config", args: velaArgs, made: velaMade, converted: velaConverted,
	},
	{
		name: "stedgeai", command: "stedgeai", version: []string{"--version"}, get: "install STEdgeAI Core from ST's site (st.com, X-CUBE-AI) and add its folder to PATH",
		env: []string{"STEDGEAI_CORE_DIR"}, decides: "--target", args: stedgeaiArgs, made: stedgeaiMade, converted: stedgeaiConverted,
	},
	{name: "haar", builtin: convertHaar, format: "1", converted: haarConverted},
}

// presetOf returns the preset of a name that the manifest's check has passed.
func presetOf(name string) *preset {
	return &presets[slices.IndexFunc(presets, func(p preset) bool { return p.name == name })]
}

// Converted tells whether the file at path needs no conversion by the preset of
// that name: it is what the preset makes. One that cannot be read, or is larger
// than a source may be, is not.
func Converted(name, path string) bool {
	p := presetOf(name)
	if p.converted == nil {
		return false
	}
	source, _, err := smallfile.Read(path, maxFile)
	return err == nil && p.converted(source)
}

// velaIni has the memory systems of the boards.
//
//go:embed vela.ini
var velaIni []byte

// velaArgs runs vela with the file of memory systems that is ours, unless the
// manifest names another.
func velaArgs(npu, own []string) ([]string, []File) {
	args := slices.Clone(npu)
	var files []File
	if !slices.ContainsFunc(own, option("--config")) {
		args = append(args, "--config", "./"+velaIniName) // without a slash it would be one of vela's own
		files = []File{{Name: velaIniName, Data: velaIni}}
	}
	return slices.Concat(args, own, []string{"--output-dir", "{outdir}", "{in}"}), files
}

const velaIniName = "vela.ini"

func velaMade(source string) []string { return []string{manifest.Stem(source) + "_vela.tflite"} }

// velaConverted looks for the custom operator that runs a command stream on the
// NPU: it is in each model that vela has compiled, and in no other.
func velaConverted(source []byte) bool { return bytes.Contains(source, []byte("ethos-u")) }

// stedgeaiArgs makes a relocatable binary for the NPU, as OpenMV's firmware
// loads it.
func stedgeaiArgs(npu, own []string) ([]string, []File) {
	args := slices.Concat([]string{"generate"}, npu, []string{"--model", "{in}", "--relocatable"})
	if !slices.ContainsFunc(own, option("--st-neural-art")) {
		args = append(args, "--st-neural-art") // with the profile that the program has
	}
	return slices.Concat(args, own, []string{"--workspace", "{outdir}/workspace", "--output", "{outdir}/output", "--verbosity", "1", "--quiet"}), nil
}

// stedgeaiMade has the places of STEdgeAI 2 and 3, and of 4.
func stedgeaiMade(string) []string {
	return []string{"workspace/network_npu_reloc_build/network_rel.bin", "output/network_rel.bin"}
}

// stedgeaiConverted looks for the magic of a relocatable binary.
func stedgeaiConverted(source []byte) bool { return bytes.HasPrefix(source, []byte("NBIN")) }

// convertHaar converts an OpenCV cascade.
func convertHaar(source []byte, args []string) ([]byte, error) {
	stages, err := haarStages(args)
	if err != nil {
		return nil, err
	}
	return haar.Convert(bytes.NewReader(source), stages)
}

// HaarRemark says of an OpenCV cascade what OpenMV's firmware makes of it that
// OpenCV does not; mostly nothing. The args are those of its conversion.
func HaarRemark(source []byte, args []string) string {
	stages, err := haarStages(args)
	if err != nil {
		return ""
	}
	c, err := haar.Parse(bytes.NewReader(source))
	if err != nil || c.Cut(stages) != nil || c.Tilted() == 0 {
		return ""
	}
	return fmt.Sprintf("%d of its %s turned by 45 degrees, which OpenMV's firmware takes for upright", c.Tilted(), report.Plural(int64(c.Features()), "feature"))
}

// haarStages reads the one option of haar, --stages N: to keep the first N
// stages only; 0 keeps all.
func haarStages(args []string) (int, error) {
	stages := 0
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i], "--stages=")
		switch {
		case joined:
		case args[i] == "--stages" && i+1 < len(args):
			i++
			value = args[i]
		default:
			return 0, fmt.Errorf("its args are [--stages, \"N\"], not %q", args[i])
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0, fmt.Errorf("--stages takes a number, not %q", value)
		}
		stages = n
	}
	return stages, nil
}

// haarConverted tells a cascade in OpenMV's format, which is binary, from XML.
func haarConverted(source []byte) bool {
	utf16 := bytes.HasPrefix(source, []byte("\xff\xfe")) || bytes.HasPrefix(source, []byte("\xfe\xff"))
	return !utf16 && bytes.IndexByte(source[:min(16, len(source))], 0) >= 0
}

// option matches an argument that is the option of that name, with its value or
// without.
func option(name string) func(string) bool {
	return func(arg string) bool {
		return arg == name || len(arg) > len(name) && arg[:len(name)+1] == name+"="
	}
}

// A Command is the command line of a transform, before its tool is looked for:
// it follows from the manifest and the board alone.
type Command struct {
	Args  []string // with placeholders
	Files []File   // that the tool reads besides the manifest's inputs
	Kept  Kept     // NoNPU: nothing is to be run; else empty
}

// CommandOf returns the command line of a transform for a board, by its id and
// the NPU of its partition; "" and nil without. The error is an
// [*UnknownNPUError].
func CommandOf(t *manifest.TransformPlan, boardID string, npu *board.NPU) (Command, error) {
	if t.Preset == "" {
		return Command{Args: t.Run[1:]}, nil
	}
	p := presetOf(t.Preset)
	var forNPU []string
	if p.decides != "" && !slices.ContainsFunc(t.Args, option(p.decides)) {
		switch {
		case npu != nil && npu.Preset == p.name:
			forNPU = npu.Args
		case boardID == "":
			return Command{}, &UnknownNPUError{Preset: p.name, Option: p.decides}
		default:
			return Command{Kept: NoNPU}, nil
		}
	}
	if p.args == nil {
		return Command{Args: t.Args}, nil
	}
	args, files := p.args(forNPU, t.Args)
	return Command{Args: args, Files: files}, nil
}

// HowToGet says how to get the tool of a transform; "" if nothing is known of it.
func HowToGet(t *manifest.TransformPlan) string {
	if t.Preset == "" {
		return ""
	}
	return presetOf(t.Preset).get
}

// A Finder finds tools, each once.
type Finder struct {
	Getenv func(string) string // the user's environment; nil: empty. PATH is the process's own
	found  map[string]foundTool
}

type foundTool struct {
	tool *Tool
	err  error
}

// Tool finds the tool of a transform: the executable at path, if it is not
// empty, or that of a run relative to dir, the manifest's, or in PATH. The error
// is the reason why there is none, as a [MissingError] words it.
func (f *Finder) Tool(ctx context.Context, t *manifest.TransformPlan, dir, path string) (*Tool, error) {
	key := t.Preset + "\x00" + path
	if t.Preset == "" {
		key = "\x00" + t.Run[0] + "\x00" + dir + "\x00" + path
	}
	if found, ok := f.found[key]; ok {
		return found.tool, found.err
	}
	tool, err := f.tool(ctx, t, dir, path)
	if f.found == nil {
		f.found = map[string]foundTool{}
	}
	f.found[key] = foundTool{tool, err}
	return tool, err
}

func (f *Finder) tool(ctx context.Context, t *manifest.TransformPlan, dir, path string) (*Tool, error) {
	if t.Preset != "" {
		getenv := f.Getenv
		if getenv == nil {
			getenv = func(string) string { return "" }
		}
		return presetOf(t.Preset).tool(ctx, path, getenv)
	}
	path, err := lookUp(t.Run[0], dir, path)
	if err != nil {
		return nil, err
	}
	return newTool(t.Run[0], path)
}

// tool finds a preset's executable and asks for its version.
func (p *preset) tool(ctx context.Context, given string, getenv func(string) string) (*Tool, error) {
	t := &Tool{Name: p.name, converted: p.converted, made: p.made, builtin: p.builtin}
	if p.builtin != nil {
		t.facts = []string{"builtin", p.name, p.format}
		return t, nil
	}
	path, err := lookUp(p.command, "", given)
	if err != nil {
		return nil, err
	}
	t.Path, t.env = path, environment()
	for _, name := range p.env {
		if v := getenv(name); v != "" {
			t.env = append(t.env, name+"="+v)
		}
	}
	if runtime.GOOS != "windows" {
		// Without HOME, Python no longer finds what `pip install --user` put
		// beside the launcher.
		t.env = append(t.env, "PYTHONUSERBASE="+filepath.Dir(filepath.Dir(path)))
	}
	if t.Version, err = t.version(ctx, p.version...); err != nil {
		return nil, err
	}
	facts, err := digests(path)
	if err != nil {
		return nil, err
	}
	t.facts = append([]string{"preset", p.name, t.Version}, facts...)
	return t, nil
}

// An UnknownNPUError says that a model is to be converted for no board.
type UnknownNPUError struct{ Preset, Option string }

func (e *UnknownNPUError) Error() string {
	return fmt.Sprintf("preset %s has to know the NPU that the model is for; name the board (board: in the manifest, or --board), or say args: [%s, …]", e.Preset, e.Option)
}
