package inspect

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
)

// Details are more about an entry.
type Details struct {
	Record     int64  `json:"record"`           // offset of its record
	RecordSize int64  `json:"record_size"`      // bytes, with head, name, padding and content
	Padding    int64  `json:"padding"`          // bytes of its head that carry nothing
	Stored     int64  `json:"stored"`           // bytes of its own content in the image: 0 where it shares
	Kind       string `json:"kind"`             // dir, data, mpy or image: by the content
	Source     string `json:"source,omitempty"` // as the sidecar has it

	// ManifestRule is the rule that put it there, such as files[2], as the sidecar
	// has it.
	ManifestRule string `json:"manifest_rule,omitempty"`

	Asked int64  `json:"asked,omitempty"` // alignment that the sidecar says was asked for
	Needs int64  `json:"needs,omitempty"` // alignment that the board's rule wants
	Rule  string `json:"rule,omitempty"`
	Why   string `json:"why,omitempty"` // what fails with less

	ABI    *artifact.ABI `json:"abi,omitempty"`    // of a .mpy file
	Image  *Listing      `json:"image,omitempty"`  // of a nested image; offsets count from its own start
	Damage string        `json:"damage,omitempty"` // why the content cannot be read
}

// KindDir is the kind of a directory; those of files are the sidecar's.
const KindDir = "dir"

// A Span is what a run of bytes of an image is for.
type Span struct {
	Kind   string `json:"kind"` // header, record, padding, content or skipped; see romfs.SpanKind
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	Entry  int    `json:"entry"` // that it belongs to, by its index in the listing; -1: none
}

// Usage is how full a partition is.
type Usage struct {
	Size    int64  `json:"size"` // of the partition
	Used    int64  `json:"used"`
	Free    int64  `json:"free"`              // negative: the image does not fit
	Erase   int64  `json:"erase,omitempty"`   // bytes that one erase clears; 0: unknown
	Blocks  int64  `json:"blocks,omitempty"`  // erase blocks that the image takes
	Address uint64 `json:"address,omitempty"` // of the first byte; 0: not mapped
}

// A detailer fills in what List's Details ask for.
type detailer struct {
	ctx     context.Context
	place   Place
	sidecar *artifact.Sidecar // of the outermost image; nil without one
	nest    *nest
	digests bool // of files in nested images, too
}

// add fills in l, the listing of the image at that level.
func (d *detailer) add(im *Image, l *Listing, at level) error {
	layout, err := im.Layout()
	if _, damaged := err.(*romfs.FormatError); err != nil && !damaged {
		return err
	}
	id, err := artifact.Identify(io.NewSectionReader(im.Data, 0, im.Size()))
	if err != nil {
		return err
	}
	l.Name, l.Layout, l.Header, l.SHA256 = cmp.Or(at.path, im.Name), layout.String(), im.HeaderSize(), &id.SHA256
	if err := l.addSpans(im); err != nil {
		return fmt.Errorf("%s: %w", im.Name, err)
	}
	described := map[string]*artifact.File{}
	if at.depth == 0 {
		l.Usage = d.usage(l.Size)
	}
	if d.sidecar != nil && at.depth == 0 {
		for i := range d.sidecar.Files {
			described[d.sidecar.Files[i].Path] = &d.sidecar.Files[i]
		}
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Details, err = d.entry(im, e, described[e.Path], at); err != nil {
			return fmt.Errorf("%s: %s: %w", im.Name, e.Path, err)
		}
		l.Content += e.Details.Stored
		if e.Shared {
			l.Saved += e.Size
		}
	}
	l.Overhead = l.Size - l.Content
	return nil
}

// addSpans notes what each byte of the image is for.
func (l *Listing) addSpans(im *Image) error {
	spans, err := im.Spans()
	if err != nil {
		return err
	}
	at := make(map[int64]int, len(l.Entries)) // indexes of entries, by their records
	for i := range l.Entries {
		at[l.Entries[i].entry.RecordOffset] = i
	}
	l.Spans = make([]Span, 0, len(spans))
	for _, s := range spans {
		entry := -1
		if s.Entry != nil {
			if i, listed := at[s.Entry.RecordOffset]; listed {
				entry = i
				if s.Kind == romfs.SpanPadding {
					l.Entries[i].padding += s.To - s.From
				}
			}
		}
		l.Spans = append(l.Spans, Span{s.Kind.String(), s.From, s.To - s.From, entry})
		if s.Kind == romfs.SpanPadding {
			l.Padding += s.To - s.From
		}
	}
	return nil
}

// usage says how full the partition is; nil where that is not known.
func (d *detailer) usage(size int64) *Usage {
	u := Usage{Used: size}
	if p := d.place.Partition; p != nil {
		u.Size, u.Erase, u.Address = p.Size, p.Erase, p.Base
	} else if d.sidecar != nil && d.sidecar.Partition != nil {
		p := d.sidecar.Partition
		u.Size, u.Erase, u.Address = p.Size, p.Erase, p.Base
	}
	if u.Size == 0 {
		return nil
	}
	u.Free = u.Size - size
	if u.Erase > 0 {
		u.Blocks = (size + u.Erase - 1) / u.Erase
	}
	return &u
}

// entry says more about one entry; file is the sidecar's word on it, or nil.
func (d *detailer) entry(im *Image, l *Entry, file *artifact.File, at level) (*Details, error) {
	e := l.entry
	more := &Details{Record: e.RecordOffset, RecordSize: e.RecordSize, Padding: l.padding, Kind: KindDir}
	if e.Dir {
		return more, nil
	}
	more.Kind = artifact.KindData
	if file != nil {
		more.Kind, more.Source, more.Asked, more.ManifestRule = file.Kind, file.Source, file.Align, file.Rule
	}
	if d.place.Board != nil {
		if rule := d.place.Board.AlignRule(l.Path); rule != nil {
			more.Needs, more.Rule, more.Why = rule.To, rule.Match, rule.Why
		}
	}
	if e.Err != nil {
		more.Damage = e.Err.Error()
		return more, nil
	}
	if !e.Pointer {
		more.Stored = e.Size
	}
	if path.Ext(e.Name) == ".mpy" {
		head, err := im.mpyHead(e)
		if err != nil {
			return nil, err
		}
		if h, err := mpy.ParseHeader(head); err == nil {
			abi := pack.ABIOf(h)
			more.Kind, more.ABI = artifact.KindMPY, &abi
		}
	}
	return more, d.nested(im, e, at, more)
}

// nested lists the image in a file, if it holds one.
func (d *detailer) nested(im *Image, e *romfs.Entry, at level, more *Details) error {
	found, err := d.nest.holds(im, e, at)
	if !found || err != nil {
		return err
	}
	more.Kind = artifact.KindImage
	inner := at.inner(e)
	if d.nest.visited[inner.offset] || d.nest.full(inner) {
		return nil
	}
	d.nest.visited[inner.offset] = true
	image, err := im.open(e)
	if err != nil {
		more.Damage = err.Error()
		return nil
	}
	entries, damage := image.entries(".")
	if damage != nil && entries == nil {
		return damage
	}
	more.Image = newListing(image, entries, d.place, inner)
	if d.digests {
		if err := image.digests(d.ctx, more.Image); err != nil {
			return err
		}
	}
	return d.add(image, more.Image, inner)
}

// mpyHead reads the beginning of a .mpy file, where its header is.
func (im *Image) mpyHead(e *romfs.Entry) ([]byte, error) {
	head := make([]byte, min(e.Size, pack.MPYHeaderLen))
	_, err := io.ReadFull(im.Section(e), head)
	return head, err
}
