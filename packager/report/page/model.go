package page

import (
	"fmt"
	"path"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/romfs"
)

// A model is what the scripts draw. Offsets count from the first byte of the
// outermost image, which is that of the partition. Keys are short: there may be
// many thousand files.
type model struct {
	Size      int64  `json:"size"`      // bytes of the strip: the partition, or the image if that is larger
	Used      int64  `json:"used"`      // bytes of the image
	Partition int64  `json:"partition"` // bytes; 0: not known
	Erase     int64  `json:"erase"`     // bytes of an erase block; 0: not known
	Address   uint64 `json:"address"`   // of the first byte on the board; 0: not mapped

	Files []file `json:"files"` // in image order; those of nested images last, then those that are gone
	Spans []span `json:"spans"` // by rising offset, without a gap, up to Size

	Compared bool    `json:"compared"` // with an older image
	Changed  []int64 `json:"changed"`  // blocks that differ, by number
	Block    int64   `json:"block"`    // bytes of such a block
	RAM      bool    `json:"ram"`      // it was measured
}

// The kinds of files and of bytes as the page tells them apart: those of
// inspect, and these.
const (
	kindSource = "source" // Python that the board compiles when it is imported
	kindFree   = "free"
	kindBeyond = "beyond" // the partition
	kindGone   = "gone"   // in the older image only
)

// A file is a row of the table.
type file struct {
	Path    string  `json:"p"`
	Kind    string  `json:"k"`
	Size    int64   `json:"s"`
	Stored  int64   `json:"st"`
	Offset  int64   `json:"o"` // of the content
	Record  int64   `json:"r"` // where its record begins, and how many bytes it has
	Length  int64   `json:"rs"`
	Padding int64   `json:"pd,omitempty"`
	Address *uint64 `json:"ad,omitempty"`
	Asked   int64   `json:"al,omitempty"` // alignment: that the build was asked for,
	Needs   int64   `json:"nd,omitempty"` // that the board needs, by this rule,
	Match   string  `json:"br,omitempty"`
	Why     string  `json:"wy,omitempty"`
	Given   int64   `json:"gv,omitempty"` // and that it has
	Source  string  `json:"f,omitempty"`
	Rule    string  `json:"ru,omitempty"` // of the manifest
	Digest  string  `json:"d,omitempty"`
	ABI     string  `json:"abi,omitempty"`
	Shares  string  `json:"sh,omitempty"` // the file that has the same bytes
	Damage  string  `json:"dm,omitempty"`
	Finding string  `json:"fi,omitempty"` // the worst of Verify's about it: error or warning

	Heap    *int64 `json:"h,omitempty"` // bytes, when it is imported from ROM
	HeapWhy string `json:"hw,omitempty"`

	Change string `json:"c,omitempty"`
	Was    *int64 `json:"w,omitempty"`  // its size in the older image
	WasAt  *int64 `json:"wo,omitempty"` // its offset there
}

// A span is a run of bytes of one kind: kind, offset, size, and the index of the
// file that it belongs to, or -1.
type span struct {
	Kind         string
	Offset, Size int64
	File         int
}

// MarshalJSON writes an array: there are two spans for each file.
func (s span) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%q,%d,%d,%d]", s.Kind, s.Offset, s.Size, s.File), nil
}

func newModel(in Input) (*model, error) {
	l := in.Listing
	m := &model{Size: l.Size, Used: l.Size, Files: []file{}, Changed: []int64{}, Address: l.Base}
	if u := l.Usage; u != nil {
		m.Partition, m.Erase, m.Address, m.Size = u.Size, u.Erase, u.Address, max(u.Size, l.Size)
	}
	m.add(l, "", 0)
	m.limit()
	m.addFindings(in.Verification)
	if in.Base != nil {
		m.addDifference(in.Base.Difference)
	}
	return m, m.addRAM(in.RAM)
}

// add adds what is in an image, which lies in a file of that path at an offset.
func (m *model) add(l *inspect.Listing, prefix string, at int64) {
	index := make([]int, len(l.Entries)) // of each entry in m.Files
	owners := map[int64]string{}         // of content, by its offset
	for i := range l.Entries {
		e := &l.Entries[i]
		index[i] = -1
		if e.Dir {
			continue
		}
		index[i] = len(m.Files)
		f := newFile(e, prefix, at)
		if !e.Shared {
			owners[e.Offset] = f.Path
		}
		m.Files = append(m.Files, f)
	}
	for _, i := range index {
		if i >= 0 && m.Files[i].Shares != "" {
			m.Files[i].Shares = owners[m.Files[i].Offset-at]
		}
	}
	for _, s := range l.Spans {
		f := -1
		if s.Entry >= 0 {
			f = index[s.Entry]
			if nested := l.Entries[s.Entry].Details.Image; nested != nil && s.Kind == romfs.SpanContent.String() {
				m.add(nested, m.Files[f].Path+"/", at+s.Offset)
				// What follows the image in its file is the file's.
				if rest := s.Size - nested.Size; rest > 0 {
					m.Spans = append(m.Spans, span{m.Files[f].Kind, at + s.Offset + nested.Size, rest, f})
				}
				continue
			}
		}
		kind := s.Kind
		if kind == romfs.SpanContent.String() && f >= 0 {
			kind = m.Files[f].Kind
		}
		m.Spans = append(m.Spans, span{kind, at + s.Offset, s.Size, f})
	}
}

// newFile describes an entry of the image that lies at an offset.
func newFile(e *inspect.Entry, prefix string, at int64) file {
	d := e.Details
	f := file{
		Path: prefix + showPath(e.Path), Kind: d.Kind, Size: e.Size, Stored: d.Stored, Offset: at + e.Offset,
		Record: at + d.Record, Length: d.RecordSize, Padding: d.Padding, Address: e.Address,
		Asked: d.Asked, Needs: d.Needs, Match: d.Rule, Why: d.Why, Given: e.Align,
		Source: showPath(d.Source), Rule: d.ManifestRule, Damage: d.Damage,
	}
	if d.Kind == artifact.KindData && path.Ext(e.Path) == ".py" {
		f.Kind = kindSource
	}
	if e.SHA256 != nil {
		f.Digest = e.SHA256.String()
	}
	if a := d.ABI; a != nil {
		f.ABI = fmt.Sprintf(".mpy %d", a.Version)
		if a.Arch != "none" {
			f.ABI = fmt.Sprintf(".mpy %d.%d, %s", a.Version, a.SubVersion, a.Arch)
		}
	}
	if e.Shared {
		f.Shares = "?" // until all are known
	}
	return f
}

// limit adds what is behind the image, and marks what is behind the partition.
func (m *model) limit() {
	if m.Used < m.Size {
		m.Spans = append(m.Spans, span{kindFree, m.Used, m.Size - m.Used, -1})
		return
	}
	if m.Partition == 0 {
		return
	}
	for i := 0; i < len(m.Spans); i++ {
		s := &m.Spans[i]
		switch end := s.Offset + s.Size; {
		case end <= m.Partition:
		case s.Offset >= m.Partition:
			s.Kind = kindBeyond
		default:
			inside := *s
			inside.Size = m.Partition - s.Offset
			s.Kind, s.Size, s.Offset = kindBeyond, end-m.Partition, m.Partition
			m.Spans = append(m.Spans[:i], append([]span{inside}, m.Spans[i:]...)...)
			i++
		}
	}
}

// byPath returns the indexes of files by the path that is shown.
func (m *model) byPath() map[string]int {
	index := make(map[string]int, len(m.Files))
	for i := range m.Files {
		if _, twice := index[m.Files[i].Path]; !twice { // the first wins, as on a board
			index[m.Files[i].Path] = i
		}
	}
	return index
}

// addFindings marks the files that something is wrong with.
func (m *model) addFindings(v *inspect.Verification) {
	index := m.byPath()
	for _, f := range v.Findings {
		if i, known := index[showPath(f.Path)]; known && m.Files[i].Finding != romfs.Error.String() {
			m.Files[i].Finding = f.Severity
		}
	}
}

// addDifference marks the files that differ, and adds those that are gone.
func (m *model) addDifference(d *inspect.Difference) {
	m.Compared, m.Block = true, d.Blocks.Erase
	m.Changed = append(m.Changed, d.Blocks.Map...)
	index := m.byPath()
	for _, c := range d.Files {
		if c.Dir {
			continue
		}
		i, known := index[showPath(c.Path)]
		if c.New == nil || !known {
			m.Files = append(m.Files, file{Path: showPath(c.Path), Kind: kindGone})
			i = len(m.Files) - 1
		}
		f := &m.Files[i]
		f.Change = string(c.Change)
		if c.Old == nil {
			continue
		}
		f.Was, f.WasAt = &c.Old.Size, &c.Old.Offset
		if c.Change == inspect.Changed && c.New != nil {
			switch {
			case c.New.Size > c.Old.Size:
				f.Change = "grown"
			case c.New.Size < c.Old.Size:
				f.Change = "shrunk"
			}
		}
	}
}

// addRAM adds what importing modules takes. Figures of another image are an error.
func (m *model) addRAM(l *ram.Ledger) error {
	if l == nil {
		return nil
	}
	m.RAM = true
	index := m.byPath()
	for _, module := range l.Modules {
		i, known := index[showPath(module.Path)]
		if !known || m.Files[i].Size != module.Size {
			return &ram.LedgerError{Reason: fmt.Sprintf("the RAM figures are of another image: they have %s with %d bytes", showPath(module.Path), module.Size)}
		}
		f := &m.Files[i]
		f.HeapWhy = module.Why
		if module.ROM != nil && !module.ROM.Failed() {
			f.Heap = &module.ROM.Heap
		}
		if problems := module.Problems(); len(problems) > 0 {
			f.HeapWhy = problems[0]
		}
	}
	return nil
}
