// Package haar converts Haar cascades from OpenCV's XML to the binary form
// that the firmware of OpenMV cameras loads (".cascade").
//
// OpenCV has two formats: that of opencv_haartraining (type_id
// "opencv-haar-classifier") and that of opencv_traincascade
// ("opencv-cascade-classifier"). [Parse] reads both, and refuses what the
// firmware has no way to evaluate: trees of more than one node, LBP and HOG
// features, stages that branch. OpenMV's converter makes something of the first,
// too, but nothing that was trained: it takes each tree for its first node, with
// values of whichever nodes come first.
//
// The binary form is little-endian and has no signature:
//
//	uint32  width of the detection window
//	uint32  height
//	uint32  number of stages
//	uint8   weak classifiers, for each stage
//	        zeros up to a multiple of 4
//	int16   threshold * 256, for each stage
//	int16   threshold * 4096, for each classifier
//	int16   left value * 256, for each classifier
//	int16   right value * 256, for each classifier
//	uint8   number of rectangles, for each classifier
//	int8    weight, for each rectangle
//	uint8   x, y, width, height, for each rectangle
//
// Numbers are cut off towards zero. These rules are those of OpenMV's loader,
// imlib_load_cascade_from_file in lib/imlib/haar.c, and of its converter,
// tools/haar2c.py (both MIT licensed). The loader skips the zeros by the
// address in flash, so a cascade has to be aligned to 4 bytes.
package haar

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"rules_romfs/packager/report"
)

// A Cascade is a list of stages; a window is a hit if it passes all of them.
type Cascade struct {
	Width, Height int // of the detection window, in pixels
	Stages        []Stage
}

// A Stage is passed if the values of its classifiers add up to Threshold.
type Stage struct {
	Threshold   int16 // * 256
	Classifiers []Classifier
}

// A Classifier is a stump: it compares one feature with a threshold.
type Classifier struct {
	Threshold   int16 // * 4096
	Left, Right int16 // * 256; the value below the threshold, and from it up
	Rects       []Rect
	Tilted      bool // turned by 45 degrees, which OpenMV's firmware ignores
}

// A Rect is one rectangle of a feature, in pixels of the detection window.
type Rect struct {
	Weight     int8
	X, Y, W, H uint8
}

// What the fields of the firmware's cascade_t hold (lib/imlib/imlib.h): counts
// of classifiers are bytes, coordinates and counts of rectangles are read as
// signed ones.
const (
	maxClassifiers = math.MaxUint8 // in one stage
	maxRects       = math.MaxInt8  // in one feature
	maxCoordinate  = math.MaxInt8
)

// Convert reads a cascade in one of OpenCV's formats and returns it in
// OpenMV's, with its first stages only; 0 is all. Fewer stages are faster, and
// find more that is not there.
func Convert(xml io.Reader, stages int) ([]byte, error) {
	c, err := Parse(xml)
	if err != nil {
		return nil, err
	}
	if err := c.Cut(stages); err != nil {
		return nil, err
	}
	return c.Encode(), nil
}

// A StagesError is a number of stages that the cascade does not have.
type StagesError struct{ Want, Have int }

func (e *StagesError) Error() string {
	if e.Want < 0 {
		return fmt.Sprintf("%d is no number of stages: it is 1 to %d here, or 0 for all", e.Want, e.Have)
	}
	return fmt.Sprintf("%s asked for, and the cascade has %d", report.Plural(int64(e.Want), "stage"), e.Have)
}

// Cut keeps the first stages; 0 keeps all.
func (c *Cascade) Cut(stages int) error {
	if stages < 0 || stages > len(c.Stages) {
		return &StagesError{stages, len(c.Stages)}
	}
	if stages > 0 {
		c.Stages = c.Stages[:stages]
	}
	return nil
}

// Tilted counts the classifiers whose features are turned by 45 degrees.
// OpenMV's firmware evaluates them as if they were upright, so they contribute
// little but noise. Cascades that OpenMV ships have some.
func (c *Cascade) Tilted() int {
	n := 0
	for f := range c.classifiers() {
		if f.Tilted {
			n++
		}
	}
	return n
}

// Features counts the features of all stages; each classifier has one.
func (c *Cascade) Features() int {
	n := 0
	for range c.classifiers() {
		n++
	}
	return n
}

// classifiers yields those of all stages, in order.
func (c *Cascade) classifiers() func(yield func(*Classifier) bool) {
	return func(yield func(*Classifier) bool) {
		for s := range c.Stages {
			for f := range c.Stages[s].Classifiers {
				if !yield(&c.Stages[s].Classifiers[f]) {
					return
				}
			}
		}
	}
}

// Encode returns the cascade in OpenMV's binary form. The cascade is one that
// [Parse] returned.
func (c *Cascade) Encode() []byte {
	var b []byte
	u32 := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	i16 := func(n int16) { b = binary.LittleEndian.AppendUint16(b, uint16(n)) }

	u32(c.Width)
	u32(c.Height)
	u32(len(c.Stages))
	for _, s := range c.Stages {
		b = append(b, byte(len(s.Classifiers)))
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	for _, s := range c.Stages {
		i16(s.Threshold)
	}
	for f := range c.classifiers() {
		i16(f.Threshold)
	}
	for f := range c.classifiers() {
		i16(f.Left)
	}
	for f := range c.classifiers() {
		i16(f.Right)
	}
	for f := range c.classifiers() {
		b = append(b, byte(len(f.Rects)))
	}
	for f := range c.classifiers() {
		for _, r := range f.Rects {
			b = append(b, byte(r.Weight))
		}
	}
	for f := range c.classifiers() {
		for _, r := range f.Rects {
			b = append(b, r.X, r.Y, r.W, r.H)
		}
	}
	return b
}
