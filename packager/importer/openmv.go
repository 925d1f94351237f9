package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"rules_romfs/internal/pow2"
	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
)

// openmvBoards are the boards of OpenMV's firmware by the name of their folder
// (openmv/openmv, boards/).
var openmvBoards = map[string]string{
	"OPENMV2":              "openmv-m4",
	"OPENMV3":              "openmv-m7",
	"OPENMV4":              "openmv-h7",
	"OPENMV4P":             "openmv-h7-plus",
	"OPENMVPT":             "openmv-pure-thermal",
	"OPENMV_RT1060":        "openmv-rt1062",
	"OPENMV_AE3":           "openmv-ae3",
	"OPENMV_N6":            "openmv-n6",
	"ARDUINO_GIGA":         "arduino-giga",
	"ARDUINO_NICLA_VISION": "arduino-nicla-vision",
	"ARDUINO_PORTENTA_H7":  "arduino-portenta-h7",
	"MPS2_AN500":           "openmv-an500",
	"MPS3_AN547":           "openmv-an547",
}

// openmv imports a configuration of OpenMV's image builder.
func (im *importer) openmv(config *jsonDoc) error {
	if !config.root.isObject() || len(config.root.keys) == 0 {
		return manifest.Errors{config.root.errorf(codeValue, `write {"0": {"size": …, "entries": […]}}`, "a configuration of OpenMV's builder is an object of partitions")}
	}
	if err := im.place(); err != nil {
		return err
	}
	var parts []*openmvPartition
	var errs manifest.Errors
	for i, key := range config.root.keys {
		p := &openmvPartition{im: im, key: key.value.(string)}
		if !p.find(key) {
			continue
		}
		parts = append(parts, p)
		p.read(config.root.values[i])
		errs = append(errs, p.errs...)
	}
	switch {
	case len(errs) > 0:
		return errs.Limit(im.Source)
	case len(parts) == 0:
		return &EmptyError{im.Source}
	}
	return im.writeOpenMV(parts)
}

// place finds the top directory and the board.
func (im *importer) place() error {
	source, err := realAbs(im.Source)
	if err != nil {
		return sourceError(im.Source, err)
	}
	folder := filepath.Dir(source)
	if im.Top == "" {
		im.Top = folder
		if filepath.Base(filepath.Dir(folder)) == "boards" {
			im.Top = filepath.Dir(filepath.Dir(folder))
		}
	}
	if im.Top, err = realAbs(im.Top); err != nil {
		return sourceError(im.Top, err)
	}
	if im.Build != "" {
		if im.Build, err = realAbs(im.Build); err != nil {
			return sourceError(im.Build, err)
		}
	}
	if id := openmvBoards[filepath.Base(folder)]; im.Board == "" && id != "" {
		im.Board = id
		if im.target.Board, err = board.Lookup(id); err != nil {
			return err
		}
		im.note(Note{Code: NoteGuess, File: im.Source, Message: fmt.Sprintf("the board is %s, by the name of the folder", id), Remedy: "say another with --board"})
	}
	guess := im.Board
	if guess == "" || board.IsPath(guess) {
		guess = filepath.Base(folder)
	}
	im.setName(guess)
	return im.setBoard()
}

// An openmvPartition is one partition of a configuration.
type openmvPartition struct {
	im     *importer
	key    string // "0"
	name   string // what the manifest calls it; empty without a board
	size   int64  // of the board's profile; 0: not known
	npu    string // the preset for the NPU of its core; empty: none
	budget int64
	items  []openmvItem
	gone   []string // comments about entries that are switched off
	errs   manifest.Errors
}

// An openmvItem is what the manifest says of one entry, in the entry's place.
type openmvItem struct {
	comment string
	pattern string   // relative to the top, as glob; empty: files alone
	files   []string // absolute paths, in order
	align   int64    // 0: the entry has none
	at      *node    // the entry's path
	convert *transform
}

// find looks whether the partition is wanted, and up in the board's profile.
func (p *openmvPartition) find(key *node) bool {
	im := p.im
	if im.target.Board == nil {
		return im.Partition == "" || im.Partition == p.key || im.Partition == "romfs"+p.key
	}
	part, err := im.target.Board.Partition(p.key)
	if p.key == "" || err != nil {
		im.noteAt(key, NoteLost, "correct the number, or name the right board with --board", "partition %q: the board %s has none of that number, so it is left out", p.key, im.target.Board.ID)
		return false
	}
	if p.name, p.size = part.Name, part.Size; part.NPU != nil {
		p.npu = part.NPU.Preset
	}
	return im.Partition == "" || im.Partition == p.key || im.Partition == part.Name
}

func (p *openmvPartition) fail(n *node, remedy, format string, args ...any) {
	p.errs = append(p.errs, n.errorf(codeValue, remedy, format, args...))
}

// read takes in the partition's object.
func (p *openmvPartition) read(n *node) {
	if !n.isObject() {
		p.fail(n, `write {"size": …, "entries": […]}`, "partition %q is %s, not an object", p.key, n.kind())
		return
	}
	for i, k := range n.keys {
		switch v := n.values[i]; k.value {
		case "size":
			p.readSize(v)
		case "entries":
			if !v.isArray() {
				p.fail(v, "", "entries is %s, not a list", v.kind())
				continue
			}
			for _, e := range v.values {
				p.readEntry(e)
			}
		default:
			p.im.noteAt(k, NoteLost, "", "partition %q: %q is nothing that OpenMV's builder reads, and is left out", p.key, k.value)
		}
	}
	if n.get("size") == nil {
		p.im.noteAt(n, NoteSize, "", "partition %q has no size: OpenMV's builder would not build it", p.key)
	}
	if n.get("entries") == nil {
		p.fail(n, "", "partition %q has no entries", p.key)
	}
}

// readSize compares the size with the board's. OpenMV writes it as a string of
// hexadecimal digits.
func (p *openmvPartition) readSize(v *node) {
	text, ok := v.value.(string)
	digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), "_", ""))
	size, err := strconv.ParseInt(strings.TrimPrefix(digits, "0x"), 16, 64)
	if !ok || err != nil || size <= 0 {
		p.fail(v, `write the bytes in hexadecimal, as "0x100000"`, "the size of partition %q is no size", p.key)
		return
	}
	switch {
	case p.size == 0:
		p.budget = size
	case size < p.size:
		p.budget = size
		p.im.noteAt(v, NoteSize, "correct whichever is wrong", "partition %q has %v, and %s of %s has %v: the manifest's budget keeps the smaller", p.key, strictyaml.Size(size), p.name, p.im.target.Board.ID, strictyaml.Size(p.size))
	case size > p.size:
		p.im.noteAt(v, NoteSize, "correct whichever is wrong", "partition %q has %v, and %s of %s has only %v, which counts", p.key, strictyaml.Size(size), p.name, p.im.target.Board.ID, strictyaml.Size(p.size))
	}
}

// readEntry takes in one entry.
func (p *openmvPartition) readEntry(n *node) {
	if !n.isObject() {
		p.fail(n, "", "an entry is %s, not an object", n.kind())
		return
	}
	e := openmvEntry{p: p, n: n}
	for i, k := range n.keys {
		switch v := n.values[i]; k.value {
		case "type":
			e.typ = e.text(k, v)
		case "path":
			e.path = e.text(k, v)
		case "alignment":
			e.align = e.alignment(v)
		case "enabled":
			e.off = v.value == false || v.value == nil || v.value == json.Number("0") || v.value == ""
		case "optimize", "profile", "stages": // where they count, by type
		default:
			p.im.noteAt(k, NoteLost, "", "%q is nothing that OpenMV's builder reads, and is left out", k.value)
		}
	}
	switch {
	case n.get("path") == nil:
		p.fail(n, "", "an entry has no path")
	case e.off:
		p.gone = append(p.gone, fmt.Sprintf("not enabled in %s: %s", filepath.Base(p.im.Source), e.path))
	case n.get("type") == nil:
		p.fail(n, `write "type": "data" for a file that is packed as it is`, "an entry has no type")
	default:
		e.add()
	}
}

// An openmvEntry is one entry on its way.
type openmvEntry struct {
	p         *openmvPartition
	n         *node
	typ, path string
	align     int64
	off       bool
	convert   *transform
}

func (e *openmvEntry) text(key, v *node) string {
	s, ok := v.value.(string)
	if !ok || s == "" {
		e.p.fail(v, "", "%v is %s, and has to be a text", key.value, v.kind())
	}
	return s
}

func (e *openmvEntry) alignment(v *node) int64 {
	number, ok := v.value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	switch {
	case !ok || err != nil || n < 0:
		e.p.fail(v, "", "alignment has to be a number of bytes")
	case n == 0:
		return 1 // which OpenMV's builder takes as none at all
	case !pow2.Is(n) || n > manifest.MaxAlignment:
		e.p.im.noteAt(v, NoteLost, "", "an alignment of %d is no power of two up to %d, so the entry's files are aligned as if it had none", n, manifest.MaxAlignment)
		return 0
	}
	return n
}

// add expands the entry and appends it.
func (e *openmvEntry) add() {
	if e.path == "" {
		return // reported
	}
	at := e.n.get("path")
	full, ok := e.format(at)
	if !ok {
		return
	}
	if !filepath.IsAbs(full) {
		full = filepath.Join(e.p.im.Top, full)
	}
	e.convert = e.conversion()
	if strings.Contains(e.path, "*") {
		files, err := e.p.im.pythonGlob(full)
		if err != nil {
			e.p.errs = append(e.p.errs, at.errorf(manifest.CodeIO, "", "cannot be read: %v", err))
			return
		}
		for _, f := range files {
			e.checkHaar(f)
		}
		e.p.items = append(e.p.items, e.globbed(full, files)...)
		return
	}
	full = filepath.Clean(full)
	if !e.p.im.NoCheck && !isFile(full) {
		e.p.errs = append(e.p.errs, at.errorf(manifest.CodeNoMatch, "say where {TOP} is with --top, or write the manifest all the same with --no-check", "there is no file %s", shown(full)))
		return
	}
	e.checkHaar(full)
	e.p.items = append(e.p.items, openmvItem{files: []string{full}, align: e.align, at: at, convert: e.convert})
	if label := e.label(full); label != "" {
		e.p.items = append(e.p.items, openmvItem{files: []string{label}, at: at, comment: "its labels, which OpenMV's builder finds by name"})
	}
}

// globbed are the items of an entry whose path is a pattern. Where labels stand
// between the models, no pattern has that order.
func (e *openmvEntry) globbed(full string, files []string) []openmvItem {
	var all []string
	labels := false
	for _, f := range files {
		all = append(all, f)
		if label := e.label(f); label != "" {
			labels = true
			all = append(all, label)
		}
	}
	if !labels {
		return []openmvItem{{pattern: full, files: files, align: e.align, at: e.n.get("path"), convert: e.convert}}
	}
	e.p.im.noteAt(e.n.get("path"), NoteDiffers, "add new models by hand", "%s finds models and their labels in turn: the manifest lists them one by one", e.path)
	var items []openmvItem
	for _, f := range all {
		item := openmvItem{files: []string{f}, at: e.n.get("path")}
		if filepath.Ext(f) != ".txt" {
			item.align, item.convert = e.align, e.convert
		}
		items = append(items, item)
	}
	return items
}

// conversion is what OpenMV's builder makes of the entry's files.
func (e *openmvEntry) conversion() *transform {
	switch {
	case e.typ == "haar":
		t := &transform{preset: "haar"}
		switch stages := e.n.get("stages"); {
		case stages == nil:
			e.p.im.noteAt(e.n, NoteDiffers, "", "an entry of type haar has no stages: OpenMV's builder would not take it, and the manifest keeps all stages")
		case stages.value != json.Number("0"):
			t.args = []string{"--stages", fmt.Sprint(stages.value)}
		}
		return t
	case e.typ == "tflite" && e.p.npu == "vela":
		t := &transform{preset: "vela"}
		if config := filepath.Join(e.p.im.Top, "tools", "vela.ini"); isFile(config) {
			t.args, t.inputs = []string{"--config", "{inputs[0]}"}, []string{config}
		}
		if mode := e.option("optimize"); mode != "" {
			t.args = append(t.args, "--optimise", mode)
		}
		return t
	case e.typ == "tflite" && e.p.npu == "stedgeai":
		t := &transform{preset: "stedgeai"}
		profile := e.option("profile")
		if profile == "" {
			return t
		}
		folder := filepath.Join(e.p.im.Top, "lib", "stai", "scripts")
		profiles := filepath.Join(folder, "neuralart.json")
		if !isFile(profiles) {
			e.p.im.noteAt(e.n.get("profile"), NoteDiffers, "say where OpenMV's sources are with --top", "the profile %q is not known, since there is no %s: stedgeai's own is used", profile, profiles)
			return t
		}
		t.args, t.inputs = []string{"--st-neural-art", profile + "@{inputs[0]}"}, []string{profiles}
		pools, err := e.p.im.pythonGlob(filepath.Join(folder, "*.mpool"))
		if err != nil {
			e.p.errs = append(e.p.errs, e.n.errorf(manifest.CodeIO, "", "cannot be read: %v", err))
		}
		t.inputs = append(t.inputs, pools...)
		return t
	}
	return nil
}

// checkHaar says where OpenMV's converter makes no cascade that works: in those of
// opencv_traincascade it cuts off the thresholds of stages, and keeps the stages.
func (e *openmvEntry) checkHaar(file string) {
	if e.typ != "haar" || e.convert == nil || len(e.convert.args) == 0 {
		return
	}
	text, _, err := smallfile.Read(file, maxSource)
	if err == nil && bytes.Contains(text, []byte("<stageNum>")) {
		e.p.im.noteAt(e.n.get("stages"), NoteDiffers, "", "%s is of the newer format, of which OpenMV's converter makes a cascade with some stages that no firmware can load; the manifest keeps the first %s, and the image differs from OpenMV's", shown(file), e.convert.args[1])
	}
}

// option is the text of a key that only counts for a conversion.
func (e *openmvEntry) option(key string) string {
	v := e.n.get(key)
	if v == nil {
		e.p.im.noteAt(e.n, NoteDiffers, "", "the entry has no %q: OpenMV's builder would not convert it, and the manifest leaves it to the converter", key)
		return ""
	}
	s, ok := v.value.(string)
	if !ok || s == "" {
		e.p.fail(v, "", "%s is %s, and has to be a text", key, v.kind())
	}
	return s
}

// label returns the file of labels that OpenMV's builder adds to a model.
func (e *openmvEntry) label(model string) string {
	if e.typ != "tflite" {
		return ""
	}
	if label := stem(model) + ".txt"; isFile(label) {
		return label
	}
	return ""
}

// format expands the path as Python's str.format does, with TOP and BUILD.
func (e *openmvEntry) format(at *node) (string, bool) {
	var b strings.Builder
	for s := e.path; s != ""; {
		switch {
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			b.WriteByte(s[0])
			s = s[2:]
		case s[0] == '{':
			name, rest, ok := strings.Cut(s[1:], "}")
			value := map[string]string{"TOP": e.p.im.Top, "BUILD": e.p.im.Build}[name]
			switch {
			case ok && name == "BUILD" && value == "":
				e.p.im.noteAt(at, NoteLost, "say where it is with --build", "%s lies in the directory of a firmware build, and is left out", e.path)
				return "", false
			case !ok || value == "":
				e.p.fail(at, "only {TOP} and {BUILD} are known", "%s cannot be expanded", e.path)
				return "", false
			}
			b.WriteString(value)
			s = rest
		case s[0] == '}':
			e.p.fail(at, "write }} for a bracket", "%s cannot be expanded", e.path)
			return "", false
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return filepath.FromSlash(b.String()), true
}
