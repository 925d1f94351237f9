package board

import (
	"fmt"
	"path"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/pow2"
	"rules_romfs/internal/strictyaml"
)

// A checker finds what types and patterns do not: values that contradict each
// other, or that no board can have.
type checker struct {
	doc  *strictyaml.Document
	errs strictyaml.Errors
}

func (c *checker) bad(path, remedy, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(path, strictyaml.CodeValue, remedy, format, args...))
}

func (c *checker) check(f *File) error {
	switch {
	case len(f.Partitions) == 0 && f.NoROM == "":
		c.bad("", "list them under partitions, or give the reason why there are none under no_rom", "the board has no partition")
	case len(f.Partitions) > 0 && f.NoROM != "":
		c.bad("no_rom", "remove one of the two", "the board has partitions, and no_rom says that it has none")
	}
	for i, m := range f.Machines {
		if _, err := path.Match(m, ""); err != nil {
			c.bad(fmt.Sprintf("machines[%d]", i), "escape [ and \\ with a backslash", "%s is no pattern", strictyaml.Quote(m))
		}
	}
	if m := f.MPY; m != nil {
		for i, a := range m.Arch {
			if a == "none" && len(m.Arch) > 1 {
				c.bad(fmt.Sprintf("mpy.arch[%d]", i), "remove it: bytecode is always loaded", "none is in a list of architectures")
			}
		}
	}
	for i, a := range f.Align {
		c.align(fmt.Sprintf("align[%d]", i), a, f.Partitions)
	}
	for i, name := range f.UF2 {
		if _, err := ParseUF2Family(name); err != nil {
			c.bad(fmt.Sprintf("uf2[%d]", i), "", "%v", err)
		}
	}
	for i, r := range f.Flash {
		c.flash(fmt.Sprintf("flash[%d]", i), r)
	}
	names, indices := map[string]int{}, map[int]int{}
	for i := range f.Partitions {
		p, at := &f.Partitions[i], fmt.Sprintf("partitions[%d]", i)
		c.partition(at, p)
		c.inFlash(at, p, f.Flash)
		if j, ok := names[p.Name]; ok {
			c.bad(at+".name", "", "partitions[%d] has that name already", j)
		}
		if j, ok := indices[p.Index]; ok {
			c.bad(at+".index", "", "partitions[%d] has that index already", j)
		}
		names[p.Name], indices[p.Index] = i, i
	}
	return c.errs.Err()
}

func (c *checker) align(at string, a AlignFile, partitions []PartitionFile) {
	if _, err := pattern.Compile(a.Match, pattern.Board); a.Match != "" && err != nil { // the decoder has reported an empty one
		wrong := err.(*pattern.Error)
		c.errs = append(c.errs, c.doc.Errorf(at+".match", wrong.Code, wrong.Remedy, "%s", wrong.Message))
	}
	if !pow2.Is(int64(a.To)) {
		c.bad(at+".to", "write 4, 8, 16, 32 or more", "%d is no power of two", a.To)
		return
	}
	for _, p := range partitions {
		if p.Base%uint64(a.To) != 0 {
			c.bad(at+".to", "", "%d is more than the alignment of the address of partition %s, %#x: no file can have it", a.To, p.Name, p.Base)
		}
	}
}

// flash checks a range of addresses.
func (c *checker) flash(at string, r RangeFile) {
	switch {
	case r.Size == 0:
		c.bad(at+".size", "", "a range of 0 bytes holds nothing")
	case r.Base+uint64(r.Size)-1 < r.Base:
		c.bad(at+".base", "", "%d bytes from %#x on end behind the address space", r.Size, r.Base)
	}
}

// inFlash finds a partition that is not where the file says that flash is.
func (c *checker) inFlash(at string, p *PartitionFile, flash []RangeFile) {
	for _, r := range flash {
		if (Range{r.Base, int64(r.Size)}).Holds(p.Base, int64(p.Size)) {
			return
		}
	}
	if len(flash) > 0 && p.Base != 0 {
		c.bad(at+".base", "correct it, or the ranges", "none of the ranges under flash holds the partition at %#x", p.Base)
	}
}

func (c *checker) partition(at string, p *PartitionFile) {
	if p.Write != 0 && !pow2.Is(int64(p.Write)) {
		c.bad(at+".write", "", "%d is no power of two", p.Write)
	}
	if p.Size != 0 && p.Tail >= p.Size {
		c.bad(at+".tail", "", "%d bytes leave nothing of the partition, which has %d", p.Tail, p.Size)
	}
	if p.Rewrites != 0 && !pow2.Is(int64(p.Rewrites)) {
		c.bad(at+".rewrites", "", "%d is no power of two", p.Rewrites)
	}
	if p.Medium != "" && p.Medium != string(NOR) && (p.Rewrites != 0 || p.Programs != 0) {
		c.bad(at+".medium", "", "rewrites and programs are of NOR flash, not of %s", p.Medium)
	}
	if p.CoreIdle && p.Core == "" {
		c.bad(at+".core_idle", "name the core under core", "the partition is not that of another core")
	}
	if p.Erase == 0 {
		return
	}
	if p.Write != 0 && p.Erase%p.Write != 0 {
		c.bad(at+".erase", "", "%d is no multiple of write, %d", p.Erase, p.Write)
	}
	if p.Size%p.Erase != 0 {
		c.bad(at+".size", "", "%d is no multiple of erase, %d", p.Size, p.Erase)
	}
	if p.Base%uint64(p.Erase) != 0 {
		c.bad(at+".base", "", "%#x is no multiple of erase, %d", p.Base, p.Erase)
	}
}

// ParseSize reads a size as board files and command lines give it: bytes (also
// 0x…), or a number with KiB, MiB or GiB.
func ParseSize(s string) (int64, error) {
	n, err := strictyaml.ParseSize(s)
	return int64(n), err
}
