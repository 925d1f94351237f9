package artifact

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is a sidecar that uses every field.
func example(image []byte) *Sidecar {
	source, free := Digest(sha256.Sum256([]byte("x = 1\n"))), int64(1<<20-len(image))
	return &Sidecar{
		Schema: Schema, Name: "weather-station",
		Image:     Image{SHA256: sha256.Sum256(image), Size: int64(len(image))},
		Board:     "openmv-n6",
		Partition: &Partition{Name: "romfs0", Base: 0x70800000, Size: 1 << 20, Erase: 4096},
		Layout:    "compact", Dedup: true, Align: 32,
		MPY: &MPY{Compiler: "1.29", ABI: []ABI{{Version: 6, SubVersion: 3, Arch: "none", SmallIntBits: 31}}},
		Files: []File{
			{Path: "a.mpy", Offset: 12, Size: 4, Stored: 4, Align: 1, AlignGiven: 4, SHA256: Digest{1},
				Source: "src/a.py", SourceSHA256: &source, Rule: "files[0]", Kind: KindMPY},
			{Path: "n & <m>.romfs", Offset: 32, Size: 8, Stored: 8, Align: 32, AlignGiven: 32, SHA256: Digest{2},
				Source: "../n.yaml", Rule: "files[1]", Kind: KindImage},
			{Path: "ünï.bin", Offset: 32, Size: 8, SharedWith: "n & <m>.romfs", Align: 1, AlignGiven: 32, SHA256: Digest{2},
				Source: "ünï.bin", SourceSHA256: &Digest{2}, Rule: "files[2]", Kind: KindData},
			{Path: "m.tflite", Offset: 48, Size: 4, Stored: 4, Align: 16, AlignGiven: 16, SHA256: Digest{3}, Source: "m.tflite", SourceSHA256: &Digest{4},
				Rule: "files[3]", Kind: KindData, Transform: &Transform{Preset: "vela", Version: "5.2.0", Args: []string{"--optimise", "Size"}}},
			{Path: "n.tflite", Offset: 52, Size: 4, Stored: 4, Align: 1, AlignGiven: 4, SHA256: Digest{5}, Source: "n.tflite", SourceSHA256: &Digest{5},
				Rule: "files[4]", Kind: KindData, Transform: &Transform{Run: []string{"tools/x", "{in}"}, Kept: "missing"}},
		},
		Totals: Totals{Files: 5, Dirs: 0, Padding: 9, Duplicates: 1, Shared: 8, Free: &free},
	}
}

var image = bytes.Repeat([]byte("image!!!"), 8)

func encode(t testing.TB, s *Sidecar) []byte {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	want := example(image)
	b := encode(t, want)
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("decoded (-want +got):\n%s", d)
	}
	if !bytes.HasSuffix(b, []byte("}\n")) || !bytes.Contains(b, []byte(`"n & <m>.romfs"`)) {
		t.Errorf("not one readable JSON object with a final newline:\n%s", b)
	}
	// What is written file by file is what encoding/json writes at once.
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(plain.String(), string(b)); d != "" {
		t.Errorf("not as encoding/json (-json +got):\n%s", d)
	}
	// A checkout that turned line ends into CRLF is still the same sidecar.
	if _, err := Decode(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		t.Errorf("with CRLF: %v", err)
	}
}

// TestEmpty: the sidecar of an image without files round-trips too.
func TestEmpty(t *testing.T) {
	s := &Sidecar{Schema: Schema, Name: "empty", Image: Image{Size: 4}, Layout: "compact", Align: 1, Files: []File{}}
	b := encode(t, s)
	if !bytes.Contains(b, []byte("\n  \"files\": [],\n")) {
		t.Errorf("files are not an empty list:\n%s", b)
	}
	if got, err := Decode(b); err != nil || !cmp.Equal(got, s) {
		t.Errorf("Decode = %+v, %v", got, err)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	good := string(encode(t, example(image)))
	for name, tc := range map[string]struct{ old, new, want string }{
		"empty":              {good, "", "unexpected end"},
		"no JSON":            {good, "image", "invalid character"},
		"list":               {good, "[]", "cannot hold a array"},
		"no schema":          {`"schema": 1,`, ``, `no "schema" key`},
		"newer schema":       {`"schema": 1,`, `"schema": 2,`, "schema 2, but this romfs reads schema 1"},
		"newer, with more":   {`"schema": 1,`, `"schema": 2, "later": {},`, "schema 2, but this romfs reads schema 1"},
		"unknown key":        {`"name": "w`, `"when": 1, "name": "w`, `unknown field "when"`},
		"repeated key":       {`"dedup": true`, `"dedup": false, "dedup": true`, "repeated, missing"},
		"other case":         {`"dedup": true`, `"Dedup": true`, "repeated, missing"},
		"missing key":        {`"dedup": true,`, ``, "repeated, missing"},
		"trailing data":      {good, good + "{}", "after top-level value"},
		"wrong type":         {`"dedup": true`, `"dedup": 1`, "cannot hold a number"},
		"short digest":       {`"sha256": "0100`, `"sha256": "01`, "64 hexadecimal digits"},
		"upper-case digest":  {`"sha256": "` + example(image).Image.SHA256.String(), `"sha256": "` + strings.ToUpper(example(image).Image.SHA256.String()), "repeated, missing"},
		"outside":            {`"offset": 12`, `"offset": 61`, "do not lie within"},
		"overflow":           {`"offset": 12`, `"offset": 9223372036854775807`, "do not lie within"},
		"negative":           {`"offset": 12`, `"offset": -1`, "do not lie within"},
		"odd alignment":      {`"align": 1,`, `"align": 3,`, "no power of two"},
		"listed twice":       {`"path": "ünï.bin"`, `"path": "a.mpy"`, "listed twice"},
		"not UTF-8":          {`"path": "ünï.bin"`, "\"path\": \"\xff\"", "repeated, missing"},
		"count":              {`"files": 5`, `"files": 4`, "speak of 4 files"},
		"no transform":       {`"preset": "vela",`, ``, "its transform is neither a preset nor run"},
		"two transforms":     {`"preset": "vela",`, `"preset": "vela", "run": ["x"],`, "its transform is neither a preset nor run"},
		"transformed mpy":    {`"kind": "mpy"`, `"kind": "mpy", "transform": {"preset": "haar"}`, "a file of kind mpy has a transform"},
		"kept for no reason": {`"kept": "missing"`, `"kept": "lost"`, "none of converted, no-npu, missing"},
		"kept, but made":     {`"preset": "vela",`, `"preset": "vela", "kept": "no-npu",`, "kept"},
		"kind":               {`"kind": "data"`, `"kind": "dta"`, "none of data"},
		"half stored":        {`"stored": 4`, `"stored": 3`, "neither 0 nor"},
		"negative partition": {`"erase": 4096`, `"erase": -1`, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tc.old) {
				t.Fatalf("the example does not contain %q", tc.old)
			}
			_, err := Decode([]byte(strings.Replace(good, tc.old, tc.new, 1)))
			var format *FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want a *FormatError with %q", err, tc.want)
			}
		})
	}
}

// TestDocs: the example of docs/sidecar.md is a sidecar, and every key is in its table.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/sidecar.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	block, table, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("no example")
	}
	if s, err := Decode([]byte(block)); err != nil {
		t.Error(err)
	} else if got := string(encode(t, s)); got != block {
		t.Errorf("the example is not as romfs writes it (-want +got)\n%s", cmp.Diff(got, block))
	}
	for _, key := range regexp.MustCompile(`"([a-z_0-9]+)":`).FindAllStringSubmatch(string(encode(t, example(image))), -1) {
		switch key[1] {
		case "index", "version", "small_int_bits", "arch", "files", "dirs": // they say it themselves
		default:
			if !regexp.MustCompile("[`.]" + key[1] + "[`.\\[]").MatchString(table) {
				t.Errorf("key %s is not explained", key[1])
			}
		}
	}
}

func TestForImage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.romfs")
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(path, image)
	if _, err := ForImage(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a sidecar: %v, want fs.ErrNotExist", err)
	}
	write(Path(path), encode(t, example(image)))
	if s, err := ForImage(path); err != nil || s.Name != "weather-station" {
		t.Errorf("ForImage = %v, %v", s, err)
	}
	write(path, append([]byte("x"), image[1:]...))
	var mismatch *MismatchError
	if _, err := ForImage(path); !errors.As(err, &mismatch) {
		t.Errorf("another image's sidecar: %v, want a *MismatchError", err)
	}
}

// FuzzDecode: whatever Decode accepts has one encoding, and that decodes to
// the same again.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, example(image)))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		b, err := s.Encode()
		if err != nil {
			t.Fatalf("accepted, but: %v", err)
		}
		again, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Errorf("changed (-first +again):\n%s", d)
		}
	})
}

// TestSizeLimit: what is written can be read. A sidecar that could not is not
// written.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	s := example(image)
	f := s.Files[0]
	s.Files = nil
	long := strings.Repeat("x", 30_000)
	for len(s.Files) < MaxSize/2/len(long)-20 {
		f.Path = fmt.Sprint(long, len(s.Files))
		f.Source = f.Path
		s.Files = append(s.Files, f)
	}
	s.Totals.Files = len(s.Files)
	if b, err := s.Encode(); err != nil || len(b) < MaxSize*9/10 || len(b) > MaxSize {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	for range 40 {
		f.Path = fmt.Sprint(long, len(s.Files))
		s.Files = append(s.Files, f)
	}
	s.Totals.Files = len(s.Files)
	var limit *LimitError
	b, err := s.Encode()
	if !errors.As(err, &limit) || limit.Files != len(s.Files) || len(b) > MaxSize {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}
