package board

import (
	"fmt"
	"path/filepath"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/packager/mpy"
)

// The types of this file are the form of a board file. Their doc comments are
// also the descriptions in the JSON Schema, so they are written for the author
// of a board file.

// A File describes one board: its ROM partitions, its firmware, and how it is found.
type File struct {
	// Version of the board file format: 1.
	Version int `yaml:"version" jsonschema:"required,enum=1"`
	// Id of the board, as manifests and --board name it.
	ID string `yaml:"id" jsonschema:"required,maxLength=60,pattern=^[a-z0-9]+(-[a-z0-9]+)*$,example=my-board"`
	// Name for people.
	Name string `yaml:"name" jsonschema:"required,minLength=1,maxLength=100"`
	// What sys.implementation._machine is on the board: texts or patterns with * and ?. A deploy refuses other boards. Default: any board will do.
	Machines []string `yaml:"machines" jsonschema:"minLength=1,example=OpenMV N6 with STM32N657X0"`
	// Which .mpy files the firmware loads.
	MPY *MPYFile `yaml:"mpy"`
	// Whether OpenMV's tools are used on the board. They lose files that share their contents with others, so images for it share nothing unless the manifest says dedup: true. Default: false.
	OpenMV bool `yaml:"openmv" jsonschema:"default=false"`
	// Alignment of files by destination, because of what the firmware does with them. The first entry that matches counts; a manifest's rules go over these.
	Align []AlignFile `yaml:"align"`
	// ROM partitions, by index.
	Partitions []PartitionFile `yaml:"partitions"`
	// Why the board has no ROM partition; instead of partitions.
	NoROM string `yaml:"no_rom" jsonschema:"minLength=1"`
	// File of a public key (PEM), relative to this one: deploys take images only that it has signed.
	RequireSignature string `yaml:"require_signature" jsonschema:"minLength=1"`
	// USB ids by which the board is found.
	USB []USBFile `yaml:"usb"`
	// Family of the chip in UF2 files, such as RP2040 or 0xe48bff56; several, for a family of boards. Default: none, so romfs export needs --uf2-family.
	UF2 []string `yaml:"uf2" jsonschema:"minLength=1,example=STM32H7"`
	// Where the chip shows flash, MRAM and the like, in which a partition may lie. romfs export refuses other addresses. Default: not known, so any will do.
	Flash []RangeFile `yaml:"flash"`
}

// RangeFile is a range of addresses.
type RangeFile struct {
	// Address of its first byte.
	Base uint64 `yaml:"base" jsonschema:"required,minimum=0,example=0x08000000"`
	// Its size.
	Size strictyaml.Size `yaml:"size" jsonschema:"required"`
}

// MPYFile says which .mpy files the firmware loads.
type MPYFile struct {
	// Architecture of native code, as mpy-cross -march names it; a list, for a family of boards with several; none for firmware without native code. Default: none.
	Arch Archs `yaml:"arch"`
	// Extensions of the architecture rv32imc that every board has. Default: none.
	ArchFlags []string `yaml:"arch_flags" jsonschema:"enum=zba,enum=zcmp"`
	// Bits of the firmware's small integers. Default: 31, which all 32-bit firmware has unless it was built otherwise.
	SmallIntBits *int `yaml:"small_int_bits" jsonschema:"minimum=15,maximum=63"`
}

// Archs is one architecture or a list of them.
type Archs []string

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (a *Archs) UnmarshalValue(v strictyaml.Value) {
	items := []strictyaml.Value{v}
	if v.Kind() == strictyaml.List {
		items, _ = v.List()
		if len(items) == 0 {
			v.Errorf(strictyaml.CodeValue, "name at least one, or remove the key", "is an empty list")
		}
	}
	for _, item := range items {
		s, ok := item.String()
		if !ok {
			continue
		}
		if _, err := mpy.ParseArch(s); err != nil || s == "" {
			item.Errorf(strictyaml.CodeValue, "write one of those that mpy-cross -march takes, or none", "%s is no architecture", strictyaml.Quote(s))
		}
		*a = append(*a, s)
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Archs) JSONSchemaOf() any {
	names := make([]any, 0, 14)
	for a := mpy.ArchNone; a < mpy.ArchDebug; a++ {
		names = append(names, a.String())
	}
	one := map[string]any{"type": "string", "enum": names}
	return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1}}}
}

// AlignFile aligns files by their destination.
type AlignFile struct {
	// Pattern of destinations, such as **/*.tflite. Case does not count.
	Match string `yaml:"match" jsonschema:"required,minLength=1"`
	// Alignment of the contents in bytes, a power of two, counted from the start of the partition.
	To strictyaml.Size `yaml:"to" jsonschema:"required"`
	// What fails with less, for warnings and romfs explain. Default: nothing is said.
	Why string `yaml:"why" jsonschema:"minLength=1,maxLength=200,example=the display's DMA reads words"`
}

// PartitionFile is a range of memory that MicroPython mounts, or can mount, as a ROMFS.
type PartitionFile struct {
	// Name of the partition, such as romfs0.
	Name string `yaml:"name" jsonschema:"required,maxLength=60,pattern=^[a-z][a-z0-9_-]*$"`
	// Id of the partition in calls of vfs.rom_ioctl, as the core with the REPL sees it.
	Index int `yaml:"index" jsonschema:"required,minimum=0,maximum=255"`
	// Address of its first byte. Default: the partition is not at a fixed address.
	Base uint64 `yaml:"base" jsonschema:"minimum=0,example=0x90B00000"`
	// Size of the partition. Default: whoever builds the firmware chooses; images are then built with --partition-size.
	Size strictyaml.Size `yaml:"size"`
	// Bytes at the end of the partition that images should leave alone, because reading them upsets the hardware; a build warns. Default: none.
	Tail strictyaml.Size `yaml:"tail"`
	// Smallest range that vfs.rom_ioctl erases: op 6, or the block of a block device; as large as write on media that need no erase. Default: unknown.
	Erase strictyaml.Size `yaml:"erase"`
	// Smallest range that is written at once, and its alignment, through vfs.rom_ioctl. Default: unknown.
	Write strictyaml.Size `yaml:"write"`
	// What vfs.rom_ioctl(2, index) returns: memoryview or blockdev (a block device). Default: either.
	Segment string `yaml:"segment" jsonschema:"enum=memoryview,enum=blockdev"`
	// What the partition lies in: nor (erased to ones, programmed to zeros in any number of steps), ecc (words that are programmed once after each erase), mram (written without erase) or ram. Default: nor.
	Medium string `yaml:"medium" jsonschema:"enum=nor,enum=ecc,enum=mram,enum=ram,default=nor"`
	// How often a word may be programmed between two erases, where that is more than once and limited. Default: as often as its bits allow; once, for the medium ecc.
	Programs int `yaml:"programs" jsonschema:"minimum=2,maximum=1000"`
	// Range that the firmware erases and programs anew for every write into it, from its first byte on, as the port for SAMD does. Default: none; a write leaves alone what is around it.
	Rewrites strictyaml.Size `yaml:"rewrites"`
	// Whether vfs.rom_ioctl cannot write the partition. Default: false.
	ReadOnly bool `yaml:"read_only" jsonschema:"default=false"`
	// Name of the core that mounts the partition at /rom, on boards with several. Default: the one with the REPL.
	Core string `yaml:"core" jsonschema:"minLength=1"`
	// Whether that core runs nothing from the partition by itself, not even main.py, so that it can be written from the core with the REPL. Default: false.
	CoreIdle bool `yaml:"core_idle" jsonschema:"default=false"`
	// NPU of the core that mounts the partition, which runs models from it. Default: none.
	NPU *NPUFile `yaml:"npu"`
	// How the bootloader programs the partition, through dfu-util. Default: it does not.
	DFU *DFUFile `yaml:"dfu"`
}

// NPUFile is a processor for models, and how they are converted for it.
type NPUFile struct {
	// Preset of a manifest's transforms that converts models for it.
	Preset string `yaml:"preset" jsonschema:"required,enum=vela,enum=stedgeai"`
	// Arguments that tell the preset's program which NPU it is.
	Args []string `yaml:"args" jsonschema:"required,minItems=1,minLength=1"`
}

// DFUFile is how dfu-util reaches a partition.
type DFUFile struct {
	// Alternate setting, dfu-util -a.
	Alt int `yaml:"alt" jsonschema:"required,minimum=0,maximum=255"`
	// Start address for DfuSe, dfu-util -s. Default: plain DFU, where the alternate setting is the partition.
	Address uint64 `yaml:"address" jsonschema:"minimum=0"`
	// Range that the bootloader erases at once. Default: unknown.
	Erase strictyaml.Size `yaml:"erase"`
	// Whether to make the bootloader start the firmware afterwards (DfuSe only). Default: false.
	Leave bool `yaml:"leave" jsonschema:"default=false"`
}

// USBFile is one way in which the board shows up on USB.
type USBFile struct {
	// Vendor and product, such as 37C5:1206.
	ID string `yaml:"id" jsonschema:"required,pattern=^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$"`
	// runtime (MicroPython's serial port), bootloader, or adapter: a USB serial
	// adapter that boards carry, or a probe that is one, which others have, too.
	Mode string `yaml:"mode" jsonschema:"required,enum=runtime,enum=bootloader,enum=adapter"`
}

// parse reads a board file. The error, if any, is a [strictyaml.Errors].
func parse(data []byte, name string) (*Profile, error) {
	doc, err := strictyaml.Parse(data, name)
	if err != nil {
		return nil, err
	}
	var f File
	if err := doc.Decode(&f); err != nil {
		return nil, err
	}
	if err := (&checker{doc: doc}).check(&f); err != nil {
		return nil, err
	}
	p := f.profile()
	if key := filepath.FromSlash(f.RequireSignature); key != "" {
		if !filepath.IsAbs(key) {
			key = filepath.Join(filepath.Dir(name), key)
		}
		p.Key = key
	}
	return p, nil
}

// profile turns a checked file into the profile that it describes.
func (f *File) profile() *Profile {
	p := &Profile{ID: f.ID, Name: f.Name, Machines: f.Machines, NoROM: f.NoROM, OpenMV: f.OpenMV,
		MPY: MPY{Arch: "none", SmallIntBits: defaultSmallIntBits}}
	if m := f.MPY; m != nil {
		switch len(m.Arch) {
		case 0:
		case 1:
			p.MPY.Arch = m.Arch[0]
		default:
			p.MPY.Arch = ""
		}
		if m.SmallIntBits != nil {
			p.MPY.SmallIntBits = *m.SmallIntBits
		}
		p.MPY.Archs, p.MPY.ArchFlags = m.Arch, m.ArchFlags
	}
	if len(p.MPY.Archs) == 0 {
		p.MPY.Archs = []string{"none"}
	}
	for _, a := range f.Align {
		compiled, err := pattern.Compile(a.Match, pattern.Board)
		if err != nil {
			panic(err) // the file was checked
		}
		p.Align = append(p.Align, AlignRule{a.Match, int64(a.To), a.Why, compiled})
	}
	for _, x := range f.Partitions {
		p.Partitions = append(p.Partitions, x.partition())
	}
	for _, name := range f.UF2 {
		family, err := ParseUF2Family(name)
		if err != nil {
			panic(err) // the file was checked
		}
		p.UF2 = append(p.UF2, family)
	}
	for _, r := range f.Flash {
		p.Flash = append(p.Flash, Range{r.Base, int64(r.Size)})
	}
	for _, u := range f.USB {
		id := USBID{Mode: u.Mode}
		fmt.Sscanf(u.ID, "%04x:%04x", &id.Vendor, &id.Product) // the pattern of the key leaves nothing to fail
		p.USB = append(p.USB, id)
	}
	return p
}

// defaultSmallIntBits is MP_SMALL_INT_BITS of 32-bit firmware with the object
// representations A and C (py/smallint.h).
const defaultSmallIntBits = 31

func (x *PartitionFile) partition() Partition {
	p := Partition{Index: x.Index, Name: x.Name, Base: x.Base, Size: int64(x.Size), Tail: int64(x.Tail),
		Erase: int64(x.Erase), Write: int64(x.Write),
		Segment: SegmentKind(x.Segment), Medium: Medium(x.Medium), Programs: x.Programs, Rewrites: int64(x.Rewrites), ReadOnly: x.ReadOnly, Core: x.Core, CoreIdle: x.CoreIdle}
	if p.Medium == "" {
		p.Medium = NOR
	}
	if n := x.NPU; n != nil {
		p.NPU = &NPU{n.Preset, n.Args}
	}
	if d := x.DFU; d != nil {
		p.DFU = &DFU{Alt: d.Alt, Address: d.Address, Erase: int64(d.Erase), Leave: d.Leave}
	}
	return p
}
