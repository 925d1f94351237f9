package pack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/internal/pow2"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/content"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// align decides a file's alignment: what the manifest says, and never less
// than a nested image needs.
func (im *Image) align(in *Input) (int64, error) {
	align, why := in.Align, in.AlignFrom
	if own := in.ownAlign(); own > align {
		if align > 1 {
			return 0, in.fail(fmt.Errorf("align %d (%s) is less than the %d bytes that a file inside this image needs; raise it, or leave it out", align, why, own))
		}
		align, why = own, "nested image"
	}
	if p := im.Spec.Partition; p != nil && p.Base != 0 && align > pow2.Of(int64(p.Base)) {
		return 0, in.fail(fmt.Errorf("an alignment of %d bytes (%s) cannot be had in %s: it starts at %#x, a multiple of %d only", align, why, im.Spec.where(), p.Base, pow2.Of(int64(p.Base))))
	}
	in.Align, in.AlignFrom = align, why
	return align, nil
}

func (in *Input) ownAlign() int64 {
	if in.Nested == nil {
		return in.OwnAlign
	}
	return in.Nested.maxAlign
}

// An MPYError says that firmware would refuse a .mpy file of the image.
type MPYError struct {
	Path   string // in the image
	Source string
	Rule   string
	Board  string // id of the board profile
	Err    error  // *mpy.IncompatibleError or mpy.ErrNotMPY
}

func (e *MPYError) Error() string {
	return fmt.Sprintf("%s (%s): board %s cannot load it: %v", e.Path, joinNonEmpty(", ", e.Rule, e.Source), e.Board, e.Err)
}

func (e *MPYError) Unwrap() error { return e.Err }

func joinNonEmpty(sep string, s ...string) string {
	return strings.Join(slices.DeleteFunc(s, func(s string) bool { return s == "" }), sep)
}

// checkABI checks the header of every .mpy file against the board and returns
// each ABI that one asks for, sorted.
func (im *Image) checkABI(contents []digested) ([]artifact.ABI, error) {
	var abis []artifact.ABI
	var errs []error
	for i := range im.Spec.Inputs {
		in := &im.Spec.Inputs[i]
		if !in.isMPY() {
			continue
		}
		h, err := mpy.ParseHeader(contents[i].head)
		if err == nil {
			abi := ABIOf(h)
			if !slices.Contains(abis, abi) {
				abis = append(abis, abi)
			}
			if im.Spec.Board != nil {
				version, sub := im.abiVersion()
				err = im.Spec.Board.MPY.Accepts(h, version, sub)
			}
		} else if im.Spec.Board == nil {
			im.warn(WarnMPY, "%s: %v; no firmware imports it", in.Dest, err)
			continue
		}
		if err != nil {
			errs = append(errs, &MPYError{Path: in.Dest, Source: in.Source, Rule: in.Rule, Board: im.Spec.Board.ID, Err: err})
		}
	}
	slices.SortFunc(abis, compareABI)
	if im.Spec.Board == nil && !oneFirmware(abis) {
		im.warn(WarnABI, "the .mpy files ask for different firmware (%s): no board loads all of them", strings.Join(abiNames(abis), ", "))
	}
	return abis, errors.Join(errs...)
}

// ABIOf is what a .mpy header asks of the firmware, as sidecars have it.
func ABIOf(h mpy.Header) artifact.ABI {
	return artifact.ABI{Version: int(h.Version), SubVersion: int(h.SubVersion),
		Arch: h.Arch.String(), ArchFlags: h.ArchFlags, SmallIntBits: h.SmallIntBits}
}

// abiVersion is the .mpy version that the board's firmware loads: that of the
// compiler's release, which the manifest or we choose to suit it.
func (im *Image) abiVersion() (version, subVersion uint8) {
	if im.Spec.ABIVersion == 0 {
		return abiVersion, abiSubVersion
	}
	return im.Spec.ABIVersion, im.Spec.ABISubVersion
}

// BoardAccepts returns nil if the current firmware of a board, or of some board
// of a family, loads a .mpy file with header h.
func BoardAccepts(p *board.Profile, h mpy.Header) error {
	return p.MPY.Accepts(h, abiVersion, abiSubVersion)
}

// The .mpy version of MicroPython 1.23 and later (py/persistentcode.h,
// MPY_VERSION and MPY_SUB_VERSION).
const (
	abiVersion    = 6
	abiSubVersion = 3
)

func compareABI(a, b artifact.ABI) int {
	return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.SubVersion, b.SubVersion), cmp.Compare(a.Arch, b.Arch),
		cmp.Compare(a.ArchFlags, b.ArchFlags), cmp.Compare(a.SmallIntBits, b.SmallIntBits))
}

// oneFirmware reports whether one firmware could load all of these: one
// version, and one architecture besides bytecode (the thumb ones include each
// other).
func oneFirmware(abis []artifact.ABI) bool {
	var native *artifact.ABI
	for i := range abis {
		a := &abis[i]
		if a.Version != abis[0].Version {
			return false
		}
		if a.Arch == mpy.ArchNone.String() {
			continue
		}
		if native != nil && (a.SubVersion != native.SubVersion || a.Arch != native.Arch && !(thumb(a.Arch) && thumb(native.Arch))) {
			return false
		}
		native = a
	}
	return true
}

func thumb(arch string) bool {
	return strings.HasPrefix(arch, "armv6m") || strings.HasPrefix(arch, "armv7")
}

func abiNames(abis []artifact.ABI) []string {
	var names []string
	for _, a := range abis {
		names = append(names, fmt.Sprintf("%d.%d %s", a.Version, a.SubVersion, a.Arch))
	}
	return slices.Compact(names)
}

// A FitError says that the image is too large.
type FitError struct {
	Size, Limit int64  // bytes
	Of          string // what has the limit: "partition romfs0 of openmv-m4", "budget.max"
	Largest     []string
}

func (e *FitError) Error() string {
	return fmt.Sprintf("the image has %d bytes, which is %d more than %s holds (%d); its largest files: %s; leave some out, shrink them, or use another partition",
		e.Size, e.Size-e.Limit, e.Of, e.Limit, strings.Join(e.Largest, ", "))
}

// checkSize holds the image to its partition and to the manifest's budget.
func (im *Image) checkSize() error {
	size := im.Plan.Size
	var errs []error
	if p := im.Spec.Partition; p != nil {
		switch {
		case p.Size == 0:
			im.warn(WarnPartition, "the size of %s is the choice of who builds the firmware, so nothing checks that %d bytes fit; say it with --partition-size", im.Spec.where(), size)
		case size > p.Size:
			errs = append(errs, &FitError{size, p.Size, im.Spec.where(), im.largest()})
		}
		if was := im.Spec.ProfileSize; was > 0 {
			im.warn(WarnSize, "%s is given %d bytes, and the board's profile says %d; correct whichever is wrong, unless its firmware was built with another size", im.Spec.where(), p.Size, was)
		}
		if over := InTail(p, size); over > 0 && len(errs) == 0 {
			im.warn(WarnEnd, "the image reaches %d bytes into the last %d of %s, which the board cannot read safely: the read may hang it; leave something out", over, p.Tail, im.Spec.where())
		}
		if p.Size > 0 && im.Spec.Max > p.Size {
			im.warn(WarnBudgetAbove, "budget.max is %d bytes, and %s has %d, so it limits nothing; correct it, or the board", im.Spec.Max, im.Spec.where(), p.Size)
		}
	}
	if !im.Spec.BudgetLater {
		over, warning := CheckBudget(size, im.Spec.Max, im.Spec.Warn, im.largest())
		if over != nil {
			errs = append(errs, over)
		} else if warning != "" && len(errs) == 0 {
			im.warn(WarnBudget, "%s", warning)
		}
	}
	return errors.Join(errs...)
}

// CheckBudget compares the size of an image with the manifest's limits, of
// which 0 is none, and returns an error or a warning where it is above one.
// Largest names the image's largest files.
func CheckBudget(size, limit, warn int64, largest []string) (*FitError, string) {
	switch {
	case limit > 0 && size > limit:
		return &FitError{size, limit, "budget.max of the manifest", largest}, ""
	case warn > 0 && size > warn:
		return nil, fmt.Sprintf("the image has %d bytes, %d more than budget.warn (%d)", size, size-warn, warn)
	}
	return nil, ""
}

// largest names the three files that take most space.
func (im *Image) largest() []string {
	files := slices.Clone(im.Plan.Files)
	slices.SortStableFunc(files, func(a, b romfs.Placed) int { return cmp.Compare(b.Stored, a.Stored) })
	var names []string
	for _, f := range files[:min(3, len(files))] {
		names = append(names, fmt.Sprintf("%s (%s)", f.Path, report.Size(f.Stored)))
	}
	return names
}

// InTail returns how many bytes an image of that size has in the part of its
// partition that nothing should read.
func InTail(p *board.Partition, size int64) int64 {
	if p.Size == 0 {
		return 0
	}
	return max(size-(p.Size-p.Tail), 0) - max(size-p.Size, 0)
}

// checkEmpty warns of files that OpenMV IDE drops when it saves the image.
func (im *Image) checkEmpty(contents []digested) {
	s := &im.Spec
	if s.Layout != romfs.OpenMV && (s.Partition == nil || s.Board == nil || !s.Board.OpenMV) {
		return // nobody opens the image there
	}
	var empty []string
	for i := range s.Inputs {
		if contents[i].size == 0 {
			empty = append(empty, s.Inputs[i].Dest)
		}
	}
	if len(empty) > 0 {
		more := ""
		if len(empty) > 3 {
			more = fmt.Sprintf(" and %d more", len(empty)-3)
		}
		im.warn(WarnEmpty, "%s%s: empty, and OpenMV IDE drops empty files when it saves the image; put a byte in, or save it with this tool only", strings.Join(empty[:min(3, len(empty))], ", "), more)
	}
}

// checkContents warns of files that cannot be what their suffix says: one line for
// all of which the same is to say.
func (im *Image) checkContents(contents []digested) {
	byFinding := map[content.Finding][]string{}
	var order []content.Finding
	for i := range contents {
		f := contents[i].finding
		if f == nil {
			continue
		}
		if byFinding[*f] == nil {
			order = append(order, *f)
		}
		byFinding[*f] = append(byFinding[*f], im.Spec.Inputs[i].Dest)
	}
	for _, f := range order {
		im.warn(f.Code, "%s", f.About(byFinding[f]))
	}
}
