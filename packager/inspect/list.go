package inspect

import (
	"cmp"
	"context"
	"crypto/sha256"

	"rules_romfs/internal/pow2"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// ListOptions say what a listing holds.
type ListOptions struct {
	Target
	Dir     string // a directory or file of the image; empty: all
	Digests bool   // read every file, for its SHA-256

	// Details fills in what a report wants to know beyond ls: the fields of
	// Listing and Entry that say so.
	Details bool
}

// A Listing is what is in an image.
type Listing struct {
	Size      int64   `json:"size"` // of the image
	Board     string  `json:"board,omitempty"`
	Partition string  `json:"partition,omitempty"`
	Entries   []Entry `json:"entries"` // in image order, a directory before what is in it

	// Damage is what hides files from readers: the listing has what is before.
	Damage []romfs.Problem `json:"damage,omitempty"`

	// With Details only.
	Name     string           `json:"name,omitempty"` // of the image for people; of a nested one its path
	SHA256   *artifact.Digest `json:"sha256,omitempty"`
	Layout   string           `json:"layout,omitempty"`   // compact, stable or openmv
	Header   int64            `json:"header,omitempty"`   // bytes before the first record
	Usage    *Usage           `json:"usage,omitempty"`    // nil: the partition or its size is not known
	Content  int64            `json:"content,omitempty"`  // bytes of files that are stored
	Overhead int64            `json:"overhead,omitempty"` // the rest: records, names, padding
	Padding  int64            `json:"padding,omitempty"`  // bytes of that which carry nothing
	Spans    []Span           `json:"spans,omitempty"`    // what every byte of the image is for
	Saved    int64            `json:"saved,omitempty"`    // bytes of content that are shared, not stored again

	Base uint64 `json:"-"` // address of the image's first byte; 0: not known, or not mapped
}

// An Entry is one file or directory of an image.
type Entry struct {
	Path    string           `json:"path"`
	Dir     bool             `json:"dir,omitempty"`
	Size    int64            `json:"size"`              // of a file's content
	Offset  int64            `json:"offset"`            // of the content; of a directory's or damaged file's record
	Address *uint64          `json:"address,omitempty"` // of the content on the board, where it is mapped
	Align   int64            `json:"align,omitempty"`   // given: the largest power of two that divides the offset
	Shared  bool             `json:"shared,omitempty"`  // its content is another entry's
	SHA256  *artifact.Digest `json:"sha256,omitempty"`  // with Digests

	// With Details only.
	Details *Details `json:"details,omitempty"`

	Name string `json:"-"` // the last part of Path, as it is in the image

	entry   *romfs.Entry
	padding int64 // for Details
}

// List lists an image. Where the image is so damaged that it cannot be read on,
// the error comes with a listing of what is before the damage.
func List(ctx context.Context, im *Image, o ListOptions) (*Listing, error) {
	s, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	place, err := o.place(s)
	if err != nil {
		return nil, err
	}
	entries, damage := im.entries(cmp.Or(o.Dir, "."))
	if damage != nil && entries == nil {
		return nil, damage
	}
	l := newListing(im, entries, place, level{})
	l.Damage = im.damage(cmp.Or(o.Dir, "."))
	if o.Digests {
		if err := im.digests(ctx, l); err != nil {
			return nil, err
		}
	}
	if o.Details {
		d := detailer{ctx, place, s, newNest(s), o.Digests}
		if err := d.add(im, l, level{}); err != nil {
			return nil, err
		}
	}
	return l, damage
}

// newListing describes entries by their records alone.
func newListing(im *Image, entries []*romfs.Entry, place Place, at level) *Listing {
	l := &Listing{Size: im.Size(), Entries: make([]Entry, 0, len(entries))}
	if l.Board, l.Partition, l.Base = place.names(); l.Base != 0 {
		l.Base += uint64(at.offset)
	}
	for _, e := range entries {
		listed := Entry{Path: e.Path(), Name: e.Name, Dir: e.Dir, Size: e.Size, Offset: e.Offset, Shared: e.Pointer, entry: e}
		if e.Dir || e.Err != nil {
			listed.Size, listed.Offset = 0, e.RecordOffset
		} else {
			listed.Align = pow2.Of(at.offset + e.Offset)
			if l.Base != 0 {
				address := l.Base + uint64(e.Offset)
				listed.Address = &address
			}
		}
		l.Entries = append(l.Entries, listed)
	}
	return l
}

// digests reads every file for its digest.
func (im *Image) digests(ctx context.Context, l *Listing) error {
	for i := range l.Entries {
		if err := im.digest(ctx, &l.Entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// digest reads a file for its digest.
func (im *Image) digest(ctx context.Context, l *Entry) error {
	if l.Dir || l.entry.Err != nil {
		return nil
	}
	h := sha256.New()
	if err := im.copyEntry(ctx, h, l.entry); err != nil {
		return err
	}
	sum := artifact.Digest(h.Sum(nil))
	l.SHA256 = &sum
	return nil
}
