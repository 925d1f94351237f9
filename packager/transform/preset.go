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

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/cascade"
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
	{name: "haar", builtin: haar, format: "1", converted: haarConverted},
}

// presetOf returns the preset of a name that the manifest's check has passed.
func presetOf(name string) *preset {
	return &presets[slices.IndexFunc(presets, func(p preset) bool { return p.name == name })]
}

// Converted tells whether a source needs no conversion by the preset of that
// name: it is what the preset makes.
func Converted(name string, source []byte) bool {
	p := presetOf(name)
	return p.converted != nil && p.converted(source)
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

// haar converts an OpenCV cascade. Its one option is --stages N: to keep the
// first N stages only; 0 keeps all.
func haar(source []byte, args []string) ([]byte, error) {
	stages := 0
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i], "--stages=")
		switch {
		case joined:
		case args[i] == "--stages" && i+1 < len(args):
			i++
			value = args[i]
		default:
			return nil, fmt.Errorf("its args are [--stages, \"N\"], not %q", args[i])
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, fmt.Errorf("--stages takes a number, not %q", value)
		}
		stages = n
	}
	return cascade.Convert(bytes.NewReader(source), stages)
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

// A Request is one transform of a manifest, for one board.
type Request struct {
	*manifest.TransformPlan
	Dir   string     // of the manifest: executables are relative to it
	Board string     // id; empty for none
	NPU   *board.NPU // nil: the board has none, or there is no board
}

// A Plan is a tool with its command line.
type Plan struct {
	Tool *Tool
	Args []string // with placeholders
	// Kept is NoNPU if the board has none that the preset converts for, or
	// empty. There is no tool then.
	Kept Kept
	// Get says how to get a tool that is missing.
	Get string
}

// A Finder finds tools, each once.
type Finder struct {
	Getenv func(string) string // the user's environment; PATH is the process's own
	found  map[string]foundTool
}

type foundTool struct {
	tool *Tool
	err  error
}

// Plan says how a request is run. An [*UnknownNPUError] is a preset that nothing
// tells what to convert for; any other error is the reason why a tool cannot be
// used, and the plan then still says how to get it.
func (f *Finder) Plan(ctx context.Context, r Request) (Plan, []File, error) {
	if r.Preset == "" {
		tool, err := f.find("run\x00"+r.Dir+"\x00"+r.Run[0], func() (*Tool, error) { return Find(r.Run[0], r.Dir) })
		return Plan{Tool: tool, Args: r.Run[1:]}, nil, err
	}
	p := presetOf(r.Preset)
	var npu []string
	if p.decides != "" && !slices.ContainsFunc(r.Args, option(p.decides)) {
		switch {
		case r.NPU != nil && r.NPU.Preset == p.name:
			npu = r.NPU.Args
		case r.Board == "":
			return Plan{}, nil, &UnknownNPUError{Preset: p.name, Option: p.decides}
		default:
			return Plan{Kept: NoNPU}, nil, nil
		}
	}
	args, files := r.Args, []File(nil)
	if p.args != nil {
		args, files = p.args(npu, r.Args)
	}
	tool, err := f.find("preset\x00"+p.name, func() (*Tool, error) { return p.tool(ctx, f.Getenv) })
	return Plan{Tool: tool, Args: args, Get: p.get}, files, err
}

func (f *Finder) find(key string, find func() (*Tool, error)) (*Tool, error) {
	if found, ok := f.found[key]; ok {
		return found.tool, found.err
	}
	tool, err := find()
	if f.found == nil {
		f.found = map[string]foundTool{}
	}
	f.found[key] = foundTool{tool, err}
	return tool, err
}

// tool finds a preset's executable and asks for its version.
func (p *preset) tool(ctx context.Context, getenv func(string) string) (*Tool, error) {
	t := &Tool{Name: p.name, converted: p.converted, made: p.made, builtin: p.builtin}
	if p.builtin != nil {
		t.facts = []string{"builtin", p.name, p.format}
		return t, nil
	}
	path, err := lookUp(p.command, "")
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
