package mpy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// TestLoaderAgrees gives files with every kind of header to a real MicroPython
// and compares its loader's answers with Accepts.
func TestLoaderAgrees(t *testing.T) {
	t.Parallel()
	micropython := peer.MicroPython(t)
	out, err := exec.Command(micropython, "-c", "import sys; print(sys.implementation._mpy)").Output()
	if err != nil {
		t.Fatal(err)
	}
	var value int64
	if _, err := fmt.Sscan(string(out), &value); err != nil {
		t.Fatal(err)
	}
	abi := ParseABI(value)
	abi.SmallIntBits = 63 // MP_SMALL_INT_BITS of 64-bit builds
	if abi.Version != 6 || abi.SubVersion != 3 {
		t.Fatalf("_mpy is %#x: %+v", value, abi)
	}
	bytecode, err := official(t).Compile(context.Background(), []byte("x = 1\n"), Options{SourceName: "m.py"})
	if err != nil {
		t.Fatal(err)
	}

	// The native code of other machines is refused by its header; that of this
	// one would run, so only its own header and bytecode are left unchanged.
	dir := t.TempDir()
	var headers []Header
	add := func(code []byte) {
		h, err := ParseHeader(code)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%d.mpy", len(headers))), code, 0o600); err != nil {
			t.Fatal(err)
		}
		headers = append(headers, h)
	}
	with := func(i int, b byte) []byte {
		c := bytes.Clone(bytecode)
		c[i] = b
		return c
	}
	for version := range 12 {
		add(with(1, byte(version)))
	}
	for flags := range 256 {
		if flags&archFlagsMask == 0 { // 1.26 knows no architecture flags
			add(with(2, byte(flags)))
		}
	}
	for _, bits := range []byte{0, 1, 15, 30, 31, 32, 47, 62, 63, 64, 65, 255} {
		add(with(3, bits))
	}
	for arch := ArchX86; arch < ArchRV64IMC; arch++ {
		code, err := official(t).Compile(context.Background(), []byte(nativeSource), Options{SourceName: "m.py", Arch: arch.String()})
		if err != nil {
			t.Fatal(err)
		}
		add(code)
	}

	script := fmt.Sprintf("import sys\nsys.path[:] = [%q]\nfor i in range(%d):\n    try:\n        __import__('m%%d' %% i)\n        print('ok')\n    except ValueError as e:\n        print(e)\n", dir, len(headers))
	out, err = exec.Command(micropython, "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(headers) {
		t.Fatalf("%d answers for %d files:\n%s", len(answers), len(headers), out)
	}
	loaded := 0
	for i, h := range headers {
		err := abi.Accepts(h)
		if (err == nil) != (answers[i] == "ok") {
			t.Errorf("%+v: the firmware says %q, Accepts says %v", h, answers[i], err)
		}
		if err == nil {
			loaded++
		}
	}
	if loaded < 10 || loaded > len(headers)/2 {
		t.Errorf("%d of %d files were loaded: the test has lost its point", loaded, len(headers))
	}
}

// TestAccepts holds the rule for processors that no interpreter here has to
// the text of mp_raw_code_load and of MPY_FEATURE_ARCH_TEST.
func TestAccepts(t *testing.T) {
	t.Parallel()
	native := func(a Arch) Header { return Header{Version: 6, SubVersion: 3, Arch: a, SmallIntBits: 31} }
	flagged := func(a Arch, flags uint64) Header {
		h := native(a)
		h.HasArchFlags, h.ArchFlags = true, flags
		return h
	}
	m7 := ABI{Version: 6, SubVersion: 3, Arch: ArchARMv7EMDP, SmallIntBits: 31}
	m0 := ABI{Version: 6, SubVersion: 3, Arch: ArchARMv6M, SmallIntBits: 31}
	arm := ABI{Version: 6, SubVersion: 3, Arch: ArchARMv6, SmallIntBits: 31}
	plain := ABI{Version: 6, SubVersion: 3, SmallIntBits: 31}
	hazard3 := ABI{Version: 6, SubVersion: 3, Arch: ArchRV32IMC, ArchFlags: 3, SmallIntBits: 31}
	zba := ABI{Version: 6, SubVersion: 3, Arch: ArchRV32IMC, ArchFlags: 1, SmallIntBits: 31}
	for _, tc := range []struct {
		abi  ABI
		h    Header
		want Incompatibility // "" is accepted
	}{
		{m7, native(ArchARMv6M), ""}, {m7, native(ArchARMv7M), ""}, {m7, native(ArchARMv7EM), ""},
		{m7, native(ArchARMv7EMSP), ""}, {m7, native(ArchARMv7EMDP), ""},
		{m7, native(ArchARMv6), WrongArch}, {m7, native(ArchXtensa), WrongArch},
		{m0, native(ArchARMv6M), ""}, {m0, native(ArchARMv7M), WrongArch},
		{arm, native(ArchARMv6), ""}, {arm, native(ArchARMv6M), WrongArch},
		{plain, native(ArchARMv6M), NoNativeCode}, {plain, Header{Version: 6, SmallIntBits: 31}, ""},
		{m7, Header{Version: 5, SmallIntBits: 31}, WrongVersion}, {m7, Header{Version: 6, SmallIntBits: 32}, WrongSmallInts},
		{m7, Header{Version: 6, SmallIntBits: 30}, ""},
		{m7, Header{Version: 6, SubVersion: 2, Arch: ArchARMv7M, SmallIntBits: 31}, WrongSubVersion},
		{m7, Header{Version: 6, SubVersion: 2, SmallIntBits: 31}, ""},
		{ABI{Version: 6, SubVersion: 3}, Header{Version: 6, SmallIntBits: 63}, ""}, // unknown bits are not checked
		{hazard3, flagged(ArchRV32IMC, 3), ""}, {zba, flagged(ArchRV32IMC, 1), ""}, {zba, flagged(ArchRV32IMC, 0), ""},
		{zba, flagged(ArchRV32IMC, 2), WrongArchFlags}, {m7, flagged(ArchARMv7M, 0), WrongArchFlags},
	} {
		err := tc.abi.Accepts(tc.h)
		var ie *IncompatibleError
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%+v, %+v: %v", tc.abi, tc.h, err)
		case tc.want != "" && (!errors.As(err, &ie) || ie.What != tc.want || ie.Error() == ""):
			t.Errorf("%+v, %+v: %v, want a wrong %s", tc.abi, tc.h, err, tc.want)
		}
	}
}

func TestParseABI(t *testing.T) {
	t.Parallel()
	for value, want := range map[int64]ABI{
		2822:                {Version: 6, SubVersion: 3, Arch: ArchX64},                   // Unix, x86-64
		6918:                {Version: 6, SubVersion: 3, Arch: ArchARMv7EM},               // QEMU, AN385
		774:                 {Version: 6, SubVersion: 3},                                  // WebAssembly
		3<<16 | 0x2f<<8 | 6: {Version: 6, SubVersion: 3, Arch: ArchRV32IMC, ArchFlags: 3}, // RP2350, RISC-V
	} {
		if got := ParseABI(value); got != want {
			t.Errorf("ParseABI(%#x) = %+v, want %+v", value, got, want)
		}
	}
}
