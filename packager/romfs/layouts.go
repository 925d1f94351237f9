package romfs

const (
	// stableDirWidth is the fixed width of a directory's length in layout
	// Stable, so that it never grows a byte and moves what follows: 2^28-1 bytes
	// are more than any board's partition.
	stableDirWidth = 4

	// openMVHeader is the size of the outer record's header, openMVFileHeader
	// that of a file record's, openMVAlign the alignment of content that asks
	// for none (openmv/openmv tools/mkromfs.py: ROMFS_HEADER_ALIGN,
	// ROMFS_FILEREC_ALIGN, and the default of "alignment").
	openMVHeader     = 16
	openMVFileHeader = 8
	openMVAlign      = 4
)

// compact finds the smallest even image: the shortest outer length, a wider
// one where that makes the size even, and where none does (alignment can absorb
// every byte that the header grows by), a padding record at the end. Where the
// flash has words that are programmed once, the first of them may hold nothing
// but the header.
func (s *settler) compact() (*Plan, error) {
	shortest := 1
	if s.writeUnit > 0 {
		shortest = StableHeader(s.writeUnit)
	}
	for _, s.tail = range []int64{0, int64(len(tailRecord))} {
		for header := shortest; header < shortest+maxHeaderLength; header++ {
			if s.settle(header) && s.end%2 == 0 {
				return s.plan()
			}
		}
	}
	panic("romfs: a padding record of three bytes left the size odd")
}

// stable places the image with fixed widths, first with the boundary before the
// first bulk payload, then, where that exceeds room bytes, without.
func (s *settler) stable(room int64) (*Plan, error) {
	s.stableEven()
	if s.boundary < 0 || room <= 0 || s.end <= room {
		return s.plan()
	}
	with := s.end
	s.boundary = -1
	s.stableEven()
	p, err := s.plan()
	if err == nil {
		p.BoundaryDropped, p.BoundarySize = true, with
	}
	return p, err
}

// stableEven settles with the fixed header, wide enough for its length and for a
// commit that any power cut may tear, and makes the size even behind all
// content, so that nothing moves for it.
func (s *settler) stableEven() {
	for header := StableHeader(s.writeUnit); ; header++ {
		s.tail = 0
		s.settle(header)
		if s.end%2 != 0 {
			s.tail = int64(len(tailRecord))
			s.end += s.tail
		}
		if uintLen(s.end-s.base()) <= header {
			return
		}
	}
}

// openMV gives the bytes of OpenMV's builders, which know no evenness.
func (s *settler) openMV() (*Plan, error) {
	s.settle(openMVHeader - len(Magic))
	return s.plan()
}
