package pack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/content"
	"rules_romfs/packager/romfs"
)

// TestWarningCodes: manifest lists the codes of all stages, for lint.allow.
func TestWarningCodes(t *testing.T) {
	for _, code := range []string{WarnBoundary, WarnBudget, WarnPartition, WarnMPY, WarnABI, WarnCache, WarnSize, WarnBudgetAbove, WarnEnd, WarnEmpty, content.CodeLFS, content.CodeMismatch, content.CodeEmpty, content.CodeTruncated} {
		if _, err := manifest.ParseLintCode(code); err != nil {
			t.Error(err)
		}
	}
}

func codes(warnings []Warning) (all []string) {
	for _, w := range warnings {
		all = append(all, w.Code)
	}
	return all
}

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestWarnings(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 100_000)
	for name, tc := range map[string]struct {
		text  string
		files map[string]string
		want  []string
	}{
		"none":                 {"files: [{src: a}]\n", map[string]string{"a": ""}, nil},
		"size not known":       {"board: rp2\nfiles: [{src: a}]\n", map[string]string{"a": ""}, []string{WarnPartition}},
		"share of no size":     {"budget: {max: 50%, warn: 80%}\nfiles: [{src: a}]\n", map[string]string{"a": ""}, []string{WarnPartition, WarnPartition}},
		"almost full":          {"budget: {max: 100KiB, warn: 90%}\nfiles: [{src: a}]\n", map[string]string{"a": big}, []string{WarnBudget}},
		"boundary dropped":     {"board: openmv-m4\nlayout: stable\nfiles: [{src: a.py}, {src: b, bulk: true}]\n", map[string]string{"a.py": "", "b": big}, []string{WarnBoundary}},
		"garbage, no board":    {"files: [{src: '*.mpy'}]\n", map[string]string{"a.mpy": "x"}, []string{WarnMPY}},
		"two processors":       {"files: [{src: '*.mpy'}]\n", map[string]string{"a.mpy": nativeMPY(8), "b.mpy": nativeMPY(10)}, []string{WarnABI}},
		"one family":           {"files: [{src: '*.mpy'}]\n", map[string]string{"a.mpy": nativeMPY(8), "b.mpy": nativeMPY(5), "c.mpy": "M\x06\x00\x1f\x00\x00\x00"}, nil},
		"two versions":         {"files: [{src: '*.mpy'}]\n", map[string]string{"a.mpy": "M\x06\x00\x1f\x00\x00\x00", "b.mpy": "M\x05\x00\x1f\x00\x00\x00"}, []string{WarnABI}},
		"budget above":         {"board: openmv-m4\nbudget: {max: 256KiB}\nfiles: [{src: a}]\n", map[string]string{"a": "x"}, []string{WarnBudgetAbove}},
		"budget of all":        {"board: openmv-m4\nbudget: {max: 128KiB}\nfiles: [{src: a}]\n", map[string]string{"a": "x"}, nil},
		"empty, OpenMV board":  {"board: openmv-m4\nfiles: [{src: '*'}]\n", map[string]string{"a": "", "b": ""}, []string{WarnEmpty}},
		"empty, their layout":  {"layout: openmv\nfiles: [{src: a}]\n", map[string]string{"a": ""}, []string{WarnEmpty}},
		"empty, other board":   {"board: pybd-sf2\nfiles: [{src: a}]\n", map[string]string{"a": ""}, nil},
		"pointers of git-lfs":  {"files: [{src: '*'}]\n", map[string]string{"a.tflite": lfsPointer, "b.bin": lfsPointer, "c.txt": lfsPointer}, []string{content.CodeLFS}},
		"a page for a model":   {"files: [{src: '*'}]\n", map[string]string{"a.tflite": "<html>", "b.html": "<html>"}, []string{content.CodeMismatch}},
		"an empty model":       {"files: [{src: '*'}]\n", map[string]string{"a.tflite": "", "b.txt": ""}, []string{content.CodeEmpty}},
		"a module cut off":     {"files: [{src: '*'}]\n", map[string]string{"a.mpy": "M\x06\x00\x1f\x00\x00"}, []string{content.CodeTruncated}},
		"silenced by the file": {"board: rp2\nlint: {allow: [partition-size]}\nfiles: [{src: a}]\n", map[string]string{"a": ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, project(t, tc.text, tc.files))
			im, err := Build(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, codes(im.Warnings)); d != "" {
				t.Errorf("(-want +got)\n%s%v", d, im.Warnings)
			}
			for _, c := range tc.want {
				o.Allow = append(o.Allow, manifest.LintCode(c))
			}
			if im, err = Build(t.Context(), o); err != nil || len(im.Warnings) > 0 {
				t.Errorf("with --allow: %v, %v", im.Warnings, err)
			}
		})
	}
}

// TestSizeDiffers: a given size that is not the profile's is a warning.
func TestSizeDiffers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		board string
		size  int64
		want  []string
	}{
		{"openmv-n6", 16 << 20, []string{WarnSize}},
		{"openmv-n6", 32 << 20, []string{WarnSize}},
		{"openmv-n6", 24 << 20, nil},
		{"rp2", 1 << 20, nil}, // whose profile has none
		{"", 1 << 20, nil},
	} {
		o := options(t, project(t, "files: [{src: a}]\n", map[string]string{"a": "x"}))
		o.Board, o.PartitionSize = tc.board, tc.size
		im, err := Build(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tc.want, codes(im.Warnings)); d != "" {
			t.Errorf("%s, %d: (-want +got)\n%s%v", tc.board, tc.size, d, im.Warnings)
		}
	}
}

// TestPartitionEnd: the last 512 bytes of the H7 Plus's partition are not to be
// used; other boards have no such part.
func TestPartitionEnd(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	for _, tc := range []struct {
		board string
		image int // bytes
		want  string
	}{
		{"openmv-h7-plus", size - 512, ""},
		{"openmv-h7-plus", size - 510, "the image reaches 2 bytes into the last 512 of partition romfs0 of openmv-h7-plus"},
		{"openmv-h7-plus", size, "the image reaches 512 bytes"},
		{"openmv-pure-thermal", size, "the image reaches 512 bytes"},
		{"openmv-rt1062", size, ""},
	} {
		const around = 3 + 4 + 1 + 4 + 2 + 1 + 4 // of one file of millions of bytes
		o := options(t, project(t, "files: [{src: a}]\n", map[string]string{"a": strings.Repeat("x", tc.image-around)}))
		o.Board = tc.board
		im, err := Build(t.Context(), o)
		if err != nil || im.Plan.Size != int64(tc.image) {
			t.Fatal(im, err)
		}
		switch {
		case tc.want == "" && len(im.Warnings) == 0:
		case tc.want != "" && len(im.Warnings) == 1 && im.Warnings[0].Code == WarnEnd && strings.HasPrefix(im.Warnings[0].Message, tc.want):
		default:
			t.Errorf("%s, %d bytes: %v, want %q", tc.board, tc.image, im.Warnings, tc.want)
		}
	}
}

// TestStableCommit: on flash whose words are programmed once, a stable image's
// first word holds nothing that a power cut could make another image of.
func TestStableCommit(t *testing.T) {
	t.Parallel()
	profile, err := board.Lookup("openmv-h7")
	if err != nil {
		t.Fatal(err)
	}
	p := profile.Partitions[0]
	o := options(t, project(t, "board: openmv-h7\nlayout: stable\nfiles: [{src: a.txt}]\n", map[string]string{"a.txt": "x"}))
	_, image, _ := build(t, o)
	torn := romfs.TornCommit(image, int64(len(image)), romfs.Commit{Base: p.Base, Size: p.Size, Unit: int(p.Write)})
	if p.Write != 32 || !torn.Safe() {
		t.Errorf("after a power cut the board may mount %v", torn)
	}
}
