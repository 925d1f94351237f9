package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// runHere runs a command line in this process, which thousands of cases need.
func runHere(t *testing.T, stdin []byte, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, bytes.NewReader(stdin), &out, &errs, func(string) string { return "" })
	return code, out.String(), errs.String()
}

// smallImage is an image with a file in a directory and one beside it.
func smallImage(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"src/lib/m.py": "x = 1\n", "src/t.txt": strings.Repeat("t", 30)} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := runHere(t, nil, "build", filepath.Join(dir, "src"), "--no-mpy", "-o", "-")
	if code != 0 {
		t.Fatal(errs)
	}
	return []byte(out)
}

// TestTruncated cuts an image after each of its bytes. No board would mount
// such a piece, and no verb takes it for an image.
func TestTruncated(t *testing.T) {
	t.Parallel()
	image := smallImage(t)
	target := filepath.Join(t.TempDir(), "out")
	for n := range len(image) {
		for _, args := range [][]string{
			{"ls", "-"}, {"ls", "-", "--long"}, {"cat", "-", "lib/m.py"}, {"verify", "-"}, {"report", "-", "-o", "-"}, {"extract", "-", "-o", target},
		} {
			code, _, errs := runHere(t, image[:n], args...)
			if code != exitImage || !strings.HasPrefix(errs, "error: standard input") {
				t.Fatalf("%v of the first %d bytes: exit %d, %q", args, n, code, errs)
			}
		}
		if _, err := os.Lstat(target); err == nil {
			t.Fatalf("extracting the first %d bytes left %s", n, target)
		}
	}
	if code, _, errs := runHere(t, image, "extract", "-", "-o", target); code != 0 {
		t.Errorf("the whole image: exit %d, %s", code, errs)
	}
}

// TestMutated changes each byte of an image to several values: every verb ends
// with a result or an error, and extract stays where it belongs.
func TestMutated(t *testing.T) {
	t.Parallel()
	image := smallImage(t)
	top := t.TempDir()
	target := filepath.Join(top, "in", "out")
	for at := range image {
		for _, value := range []byte{0, 1, 3, 4, '/', 0x80, 0xff} {
			if image[at] == 't' && value != 0 {
				continue // the text of t.txt
			}
			changed := bytes.Clone(image)
			changed[at] = value
			for _, args := range [][]string{
				{"ls", "-", "--long"}, {"ls", "-", "--omv"}, {"cat", "-", "lib/m.py"}, {"verify", "-"}, {"report", "-", "-o", "-"}, {"extract", "-", "-o", target},
			} {
				code, _, errs := runHere(t, changed, args...)
				if code != 0 && code != exitImage && code != exitInput || code != 0 && errs == "" {
					t.Fatalf("%v with byte %d = %#x: exit %d, %q", args, at, value, code, errs)
				}
			}
			if err := os.RemoveAll(filepath.Join(top, "in")); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(top); len(left) > 0 {
				t.Fatalf("byte %d = %#x: extract wrote %v", at, value, left)
			}
		}
	}
}

// record is one record of the format, by hand.
func record(kind byte, payload ...[]byte) []byte {
	body := bytes.Join(payload, nil)
	return append([]byte{kind, byte(len(body))}, body...)
}

// entry is a file (5) or directory (4) record; names here are short.
func entry(kind byte, name string, children ...[]byte) []byte {
	return record(kind, append([][]byte{{byte(len(name))}, []byte(name)}, children...)...)
}

func imageOf(entries ...[]byte) []byte {
	body := bytes.Join(entries, nil)
	return append([]byte(romfs.Magic+string([]byte{byte(len(body))})), body...)
}

// TestExtractRefuses: names that would leave the target, or that it cannot
// hold, end the extraction before its first file.
func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	data := record(2, []byte("x"))
	good := entry(5, "good", data)
	for name, image := range map[string][]byte{
		"parent":           imageOf(good, entry(4, "..", entry(5, "evil", data))),
		"parent in a name": imageOf(good, entry(5, "../evil", data)),
		"absolute":         imageOf(good, entry(5, "/evil", data)),
		"dot":              imageOf(good, entry(4, ".", entry(5, "evil", data))),
		"slash":            imageOf(good, entry(5, "a/evil", data)),
		"empty":            imageOf(good, entry(5, "", data)),
		"NUL":              imageOf(good, entry(5, "a\x00b", data)),
		"twice":            imageOf(good, good),
		"no data":          imageOf(good, entry(5, "none")),
		"outside":          imageOf(good, entry(5, "far", record(3, []byte{100, 100}))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			target := filepath.Join(top, "a", "b", "out")
			code, _, errs := runHere(t, image, "extract", "-", "-o", target)
			if code != exitImage || errs == "" {
				t.Errorf("exit %d, want %d: %s", code, exitImage, errs)
			}
			var left []string
			filepath.Walk(top, func(path string, info os.FileInfo, err error) error {
				if err == nil && !info.IsDir() {
					left = append(left, path)
				}
				return nil
			})
			if len(left) > 0 {
				t.Errorf("written: %v", left)
			}
		})
	}
}

// TestExtractThroughLinks: a link that lies in the target leads nowhere.
func TestExtractThroughLinks(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	outside, target := filepath.Join(top, "outside"), filepath.Join(top, "target")
	for _, d := range []string{outside, target} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(target, "lib")); err != nil {
		t.Fatal(err)
	}
	image := imageOf(entry(4, "lib", entry(5, "evil", record(2, []byte("x")))))
	for _, force := range []string{"--force=false", "--force"} {
		if code, _, errs := runHere(t, image, "extract", "-", "-o", target, force); code != exitInternal || errs == "" {
			t.Errorf("exit %d, want %d: %s", code, exitInternal, errs)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("written outside: %v", left)
	}
}

func varuint(v int) []byte {
	b := []byte{byte(v & 0x7f)}
	for v >>= 7; v > 0; v >>= 7 {
		b = append([]byte{0x80 | byte(v&0x7f)}, b...)
	}
	return b
}

// TestDeepNesting: directories in directories, as deep as an image can hold,
// end in an error and not in memory.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	// From the inside out, only lengths are needed: a directory record is its
	// kind, its length, and the name "d" with its own length before its child.
	const depth = 100_000
	heads := make([][]byte, depth)
	size := 0
	for i := range heads {
		heads[i] = append(varuint(4), varuint(size+2)...)
		heads[i] = append(heads[i], 1, 'd')
		size += len(heads[i])
	}
	image := append([]byte(romfs.Magic), varuint(size)...)
	for i := range heads {
		image = append(image, heads[depth-1-i]...)
	}
	target := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{{"ls", "-"}, {"verify", "-"}, {"extract", "-", "-o", target}} {
		if code, _, errs := runHere(t, image, args...); code != exitImage || !strings.Contains(errs, "paths add up") {
			t.Errorf("%v: exit %d, %.200s", args, code, errs)
		}
	}
}

// TestNestedImages: verify ends on images in images, whatever is wrong with
// them and however deep they lie.
func TestNestedImages(t *testing.T) {
	t.Parallel()
	image := imageOf()
	for range 10 {
		image = imageOf(entry(5, "n", record(2, image)))
	}
	code, out, errs := runHere(t, image, "verify", "-")
	if code != 0 || !strings.Contains(out, "n/n/n/n/n/n/n/n/n: is one of more than 1000 nested images, or more than 8 levels deep, and is not checked [nested]") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	inner := imageOf(entry(5, "a.mpy", record(2, []byte("M\x06\x00\x1f"))), entry(4, "d", entry(5, "t", record(2, []byte("text")))))
	image = imageOf(entry(5, "x", record(2, inner)), entry(5, "y", record(2, inner)))
	for at := range image {
		for _, value := range []byte{0, 1, 3, 5, 0x7f, 0x80, 0xff} {
			changed := bytes.Clone(image)
			changed[at] = value
			if code, out, errs := runHere(t, changed, "verify", "-"); code != 0 && code != exitImage {
				t.Fatalf("byte %d = %#x: exit %d, %s%s", at, value, code, out, errs)
			}
		}
	}
}

// TestDamageIsTold: where a board would see a part of an image only, and say
// nothing, ls warns and extract fails.
func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	data := record(2, []byte("x"))
	for name, image := range map[string][]byte{
		"unused record":    imageOf(entry(5, "a", data), record(0, []byte("??")), entry(5, "b", data)),
		"in a directory":   imageOf(entry(5, "a", data), entry(4, "d", record(0), entry(5, "b", data))),
		"cut off":          imageOf(entry(5, "a", data), []byte{5}),
		"name cut off":     imageOf(entry(5, "a", data), record(5, []byte{0x81})),
		"unused in a file": imageOf(entry(5, "a", data), record(5, []byte{1, 'b'}, record(0), data)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := filepath.Join(t.TempDir(), "out")
			code, out, errs := runHere(t, image, "extract", "-", "-o", target)
			if _, err := os.Lstat(target); err == nil || code != exitImage || out != "" || !strings.Contains(errs, "nothing was extracted") {
				t.Errorf("extract: exit %d, %s%s", code, out, errs)
			}
			for _, args := range [][]string{{"ls", "-"}, {"ls", "-", "--long"}, {"ls", "-", "--output", "json"}} {
				code, out, errs := runHere(t, image, args...)
				if code == 0 && !strings.HasPrefix(errs, "warning: standard input: it is damaged, so files are missing") || code != 0 && code != exitImage || !strings.Contains(out, "a") {
					t.Errorf("%v: exit %d, %s%s", args, code, out, errs)
				}
			}
			if code, out, _ := runHere(t, image, "ls", "-", "--output", "json"); code == 0 && !strings.Contains(out, `"damage": [`) {
				t.Errorf("the result says nothing: %s", out)
			}
		})
	}
}
