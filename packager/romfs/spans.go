package romfs

// A SpanKind is what bytes of an image are for.
type SpanKind int

// The kinds of spans.
const (
	SpanHeader  SpanKind = iota // the magic and the length
	SpanRecord                  // the head of a file or directory: kind, lengths, name, pointer
	SpanPadding                 // nothing: over-long numbers, and records of padding
	SpanContent                 // of a file
	SpanSkipped                 // records that readers skip, and what damage hides from them
)

// String returns the kind as reports name it.
func (k SpanKind) String() string {
	return [...]string{"header", "record", "padding", "content", "skipped"}[k]
}

// A Span is a run of bytes of one kind. Padding that lies between the numbers of
// a head is given as if it followed the head: its length is exact, its place is
// by a few bytes.
type Span struct {
	Kind     SpanKind
	From, To int64
	Entry    *Entry // that it belongs to; nil for none
}

// Spans says what every byte of the image is, in order and without a gap. Entries
// are those of Walk, in the same order. Damage is no error: it is skipped bytes.
func (m *Image) Spans() ([]Span, error) {
	c := m.src.cursor()
	s := &spanner{c: c}
	r, err := readHeader(c)
	if err != nil {
		return nil, err
	}
	s.head(m.header, m.header-int64(len(Magic))-int64(uintLen(r.end-r.body)), SpanHeader, nil)
	err = m.Walk(func(e *Entry) error {
		if err := s.gap(e.RecordOffset); err != nil {
			return err
		}
		return s.entry(e)
	})
	if _, damaged := err.(*FormatError); err != nil && !damaged {
		return nil, err
	}
	return s.all, s.gap(m.size)
}

// A spanner collects spans. It is at position pos.
type spanner struct {
	c   *cursor
	pos int64
	all []Span
}

// to adds a span up to a position, if there is anything.
func (s *spanner) to(end int64, kind SpanKind, e *Entry) {
	if end > s.pos {
		s.all = append(s.all, Span{kind, s.pos, end, e})
		s.pos = end
	}
}

// head adds a head that ends at a position, of which so many bytes are padding.
func (s *spanner) head(end, padding int64, kind SpanKind, e *Entry) {
	s.to(end-padding, kind, e)
	s.to(end, SpanPadding, e)
}

// entry adds the record of an entry; of a directory, its head.
func (s *spanner) entry(e *Entry) error {
	end := e.RecordOffset + e.RecordSize
	if e.Err != nil {
		s.to(end, SpanSkipped, e)
		return nil
	}
	padding, err := s.padding(e)
	switch {
	case err != nil:
		return err
	case e.Dir:
		s.head(e.Offset, padding, SpanRecord, e)
	case e.Pointer:
		s.head(end, padding, SpanRecord, e)
	default:
		s.head(e.Offset, padding, SpanRecord, e)
		s.to(e.Offset+e.Size, SpanContent, e)
		s.to(end, SpanSkipped, e)
	}
	return nil
}

// gap adds what no entry covers up to a position: records of padding, and what
// readers skip.
func (s *spanner) gap(end int64) error {
	for s.pos < end {
		r, err := s.c.record(s.pos, end)
		if err != nil && err != errEnd {
			return err
		}
		if err != nil || r.kind != kindPadding || r.end > end {
			s.to(end, SpanSkipped, nil)
			return nil
		}
		s.to(r.end, SpanPadding, nil)
	}
	return nil
}

// padding counts the bytes in an entry's head that carry nothing.
func (s *spanner) padding(e *Entry) (n int64, err error) {
	end := e.RecordOffset + e.RecordSize
	var over int64
	number := func(at int64) (v, next int64) {
		if err != nil {
			return 0, at
		}
		if v, next, err = s.c.uint(at, end); err == nil {
			over += next - at - int64(uintLen(v))
		}
		return v, next
	}
	_, at := number(e.RecordOffset)
	_, at = number(at)
	length, at := number(at)
	at += length
	for !e.Dir && err == nil {
		before := over
		var kind, size, body int64
		kind, body = number(at)
		size, body = number(body)
		if kind == kindData || err != nil {
			break
		}
		if kind == kindPointer {
			_, body = number(body)
			number(body)
			break
		}
		if over = before; kind == kindPadding {
			over += body + size - at
		}
		at = body + size
	}
	if err == errEnd {
		err = nil // a lookup went no further, either
	}
	return over, err
}
