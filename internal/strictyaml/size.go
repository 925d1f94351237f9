package strictyaml

import (
	"fmt"
	"math"
	"strconv"

	"rules_romfs/internal/lazyregexp"
)

// A Size is a number of bytes from 1. YAML writes it as a whole number (also
// 0x…), or as a number with the unit B, KiB, MiB or GiB: 24MiB, 1.5 KiB.
type Size int64

// maxSize is the largest image that a pointer record can address with the
// 32-bit words of a microcontroller, and so the largest size of any use.
const maxSize = math.MaxUint32

const numberRemedy = "write it in decimal without leading zeros, or as 0x…"

var (
	wholeNumber = lazyregexp.New(`^[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)$`)
	zerosAhead  = lazyregexp.New(`^[-+]?0[0-9_]+$`) // 08 is no octal number, and so some read it as a fraction
	sizePattern = lazyregexp.New(`^((?:0|[1-9][0-9]*)(?:\.[0-9]+)?) ?(B|KiB|MiB|GiB)$`)
	units       = map[string]float64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
)

// ParseSize reads a size as a command line gives it.
func ParseSize(s string) (Size, error) {
	n, err := strconv.ParseInt(s, 0, 64)
	switch {
	case zerosAhead().MatchString(s) || err == nil && !wholeNumber().MatchString(s):
		return 0, fmt.Errorf("%s is written in a way that not everybody reads alike; %s", Quote(s), numberRemedy)
	case err == nil:
		return checkSize(n, s)
	}
	m := sizePattern().FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%s is no size; write bytes, or a number with KiB, MiB or GiB", Quote(s))
	}
	f, err := strconv.ParseFloat(m[1], 64)
	f *= units[m[2]]
	if err != nil || f > maxSize {
		return 0, fmt.Errorf("%s is more than 4 GiB", Quote(s))
	}
	if f != math.Trunc(f) {
		return 0, fmt.Errorf("%s is no whole number of bytes", Quote(s))
	}
	return checkSize(int64(f), s)
}

func checkSize(n int64, s string) (Size, error) {
	if n < 1 || n > maxSize {
		return 0, fmt.Errorf("%s is out of range; a size is from 1 byte to 4 GiB", Quote(s))
	}
	return Size(n), nil
}

// String writes the size as a file has it: 24MiB, 1536.
func (z Size) String() string {
	switch {
	case z >= 1<<20 && z%(1<<20) == 0:
		return strconv.FormatInt(int64(z>>20), 10) + "MiB"
	case z >= 1<<10 && z%(1<<10) == 0:
		return strconv.FormatInt(int64(z>>10), 10) + "KiB"
	}
	return strconv.FormatInt(int64(z), 10)
}

// UnmarshalValue implements [Unmarshaler].
func (z *Size) UnmarshalValue(v Value) {
	switch v.Kind() {
	case Int:
		i, ok := v.Int()
		if ok && (i < 1 || i > maxSize) {
			v.Errorf(CodeValue, "a size is from 1 byte to 4 GiB", "%d is out of range", i)
		} else if ok {
			*z = Size(i)
		}
	case String:
		s, ok := v.String()
		if !ok {
			return
		}
		n, err := ParseSize(s)
		switch {
		case !sizePattern().MatchString(s):
			v.Errorf(CodeValue, "write bytes without quotes, or a number with KiB, MiB or GiB", "%s is no size", Quote(s))
		case err != nil:
			v.Errorf(CodeLimit, "", "%s", err)
		}
		*z = n
	default:
		v.WrongType("a size, such as 24MiB")
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Size) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "integer", "minimum": 1, "maximum": int64(maxSize)},
		map[string]any{"type": "string", "pattern": sizePattern().String()},
	}}
}
