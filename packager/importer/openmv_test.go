package importer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/manifest"
	"rules_romfs/packager/importer"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// oracleFile is one file as OpenMV's builder takes it.
type oracleFile struct {
	name  string
	data  []byte
	align int
}

// oracle builds an image by the documented byte rules of OpenMV's builder, with
// nothing of this project: a header of 16 bytes, file records with a header of
// 8, and fillers 0x80 in front of lengths so that contents are aligned.
func oracle(files []oracleFile) []byte {
	var body []byte
	for _, f := range files {
		name := append(uvarint(len(f.name)), f.name...)
		start := 16 + len(body) + 8 + len(name) // of the data record
		length := uvarint(len(f.data))
		fill := -(start + 1 + len(length)) & (f.align - 1)
		record := append(name, 0x02)
		record = append(record, bytes.Repeat([]byte{0x80}, fill)...)
		record = append(append(record, length...), f.data...)
		size := uvarint(len(record))
		body = append(body, 0x05)
		body = append(body, bytes.Repeat([]byte{0x80}, 7-len(size))...)
		body = append(append(body, size...), record...)
	}
	size := uvarint(len(body))
	out := append([]byte{0xd2, 0xcd, 0x31}, bytes.Repeat([]byte{0x80}, 13-len(size))...)
	return append(append(out, size...), body...)
}

func uvarint(n int) []byte {
	out := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		out = append([]byte{byte(0x80 | n&0x7f)}, out...)
	}
	return out
}

// TestOracle holds the oracle to bytes worked out by hand.
func TestOracle(t *testing.T) {
	got := oracle([]oracleFile{{"a.b", []byte("xy"), 8}})
	want := "\xd2\xcd\x31" + strings.Repeat("\x80", 12) + "\x12" + // header: 16 bytes, 18 follow
		"\x05" + strings.Repeat("\x80", 6) + "\x0a" + // file record: 10 follow, from 24 on
		"\x03a.b" + "\x02\x80\x80\x02" + "xy" // at 24, 28 and 32
	if d := cmp.Diff([]byte(want), got); d != "" {
		t.Error(d)
	}
}

// put writes a file of a tree.
func put(t testing.TB, root, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func noise(name string, size int) []byte {
	var seed [32]byte
	copy(seed[:], name)
	data := make([]byte, size)
	rand.NewChaCha8(seed).Read(data)
	// What all converters take for their own output, and pass on.
	copy(data, "NBIN\x00ethos-u")
	return data
}

// build makes the images of a manifest or directory.
func build(t testing.TB, path string) [][]byte {
	t.Helper()
	no := false
	project, err := pack.Open(t.Context(), pack.Options{Path: path, Compile: &no, Getenv: func(string) string { return "" }, Reporter: report.Discard(), NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	images, err := project.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, im := range images {
		var b bytes.Buffer
		if err := im.Stream(t.Context(), &b, report.Discard()); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}

// run imports and writes the manifest.
func run(t testing.TB, o importer.Options) *importer.Result {
	t.Helper()
	res, err := importer.Import(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Dir(o.Out), filepath.Base(o.Out), res.Text)
	return res
}

// sizes are those of the models in OpenMV's tree.
var sizes = map[string]int{
	"audio_preprocessor": 7760, "micro_speech": 18800, "force_int_quant": 10600, "fomo_face_detection": 57040,
	"blazeface_front_128": 189816, "person_detect": 300568, "yolo_lc_192": 339448, "face_landmarks_192": 795952,
	"palm_detection_full_192": 1504792, "movenet_singlepose_192": 2823360, "yolov8n_192": 3228400, "hand_landmarks_full_224": 3276744,
}

var labelled = map[string]bool{"fomo_face_detection": true, "micro_speech": true, "person_detect": true, "yolo_lc_192": true, "yolov8n_192": true}

// A stock is a partition like one that OpenMV ships: reference/… of its tree
// lists models, sizes and alignments; the files are stand-ins.
type stock struct {
	folder, partition string
	size              string
	align             int
	models            string
	data              bool // the unit tests' data, by a pattern
	bare              string
}

const common7 = "audio_preprocessor fomo_face_detection force_int_quant micro_speech person_detect yolo_lc_192 blazeface_front_128"

var stocks = []stock{
	{folder: "OPENMV3", partition: "0", size: "0x40000", align: 16, models: "fomo_face_detection"},
	{folder: "OPENMV4", partition: "0", size: "0x20000", align: 16, models: "fomo_face_detection"},
	{folder: "OPENMV4P", partition: "0", size: "0x800000", align: 16, models: common7},
	{folder: "OPENMVPT", partition: "0", size: "0x800000", align: 16, models: common7},
	{folder: "OPENMV_RT1060", partition: "0", size: "0x800000", align: 16, models: common7},
	{folder: "OPENMV_AE3", partition: "0", size: "0x1800000", align: 16, models: common7 + " yolov8n_192 face_landmarks_192 palm_detection_full_192 hand_landmarks_full_224 movenet_singlepose_192"},
	{folder: "OPENMV_AE3", partition: "1", size: "0x100000", align: 16, models: "micro_speech audio_preprocessor force_int_quant", bare: "audio_preprocessor"},
	{folder: "OPENMV_N6", partition: "0", size: "0x1800000", align: 32, models: "fomo_face_detection force_int_quant person_detect yolo_lc_192 yolov8n_192 blazeface_front_128 face_landmarks_192 palm_detection_full_192 hand_landmarks_full_224 movenet_singlepose_192"},
	{folder: "ARDUINO_GIGA", partition: "0", size: "0x400000", align: 16, models: common7},
	{folder: "ARDUINO_PORTENTA_H7", partition: "0", size: "0x400000", align: 16, models: common7},
	{folder: "ARDUINO_NICLA_VISION", partition: "0", size: "0x400000", align: 16, models: common7},
	{folder: "MPS2_AN500", partition: "0", size: "0x400000", align: 32, models: "fomo_face_detection", data: true},
	{folder: "MPS3_AN547", partition: "0", size: "0x2000000", align: 32, models: "fomo_face_detection force_int_quant person_detect", data: true},
}

// stockTree writes what the configurations name, and returns the contents.
func stockTree(t *testing.T) (top string, content map[string][]byte) {
	t.Helper()
	top, content = t.TempDir(), map[string][]byte{}
	add := func(name string, data []byte) {
		put(t, top, name, data)
		content[name] = data
	}
	for m, size := range sizes {
		add("lib/models/"+m+".tflite", noise(m, size))
		if labelled[m] {
			add("lib/models/"+m+".txt", []byte("person\nno "+m+"\n"))
		}
	}
	for _, h := range []string{"eye", "frontalface"} {
		// A cascade that is converted already.
		add("lib/haar/haarcascade_"+h+".xml", noise(h, 19041))
	}
	for i := range 20 {
		add(fmt.Sprintf("scripts/unittest/data/%c%02d.bin", "aZ-_x"[i%5], i), noise(fmt.Sprint(i), 1000+37*i))
	}
	add("scripts/unittest/data/script.py", []byte("x = 1\n"))
	put(t, top, "scripts/unittest/data/.hidden", nil)
	put(t, top, "scripts/unittest/data/sub/inner.bin", nil)
	return top, content
}

// config returns the partition's part of a configuration, and the files of its
// image.
func (s *stock) config(t *testing.T, top string, content map[string][]byte) (config map[string]any, want []oracleFile) {
	t.Helper()
	var entries []map[string]any
	one := func(name string, align int) {
		want = append(want, oracleFile{filepath.Base(name), content[name], align})
	}
	for m := range strings.FieldsSeq(s.models) {
		e := map[string]any{"type": "tflite", "path": "{TOP}/lib/models/" + m + ".tflite", "alignment": s.align}
		align := s.align
		if m == s.bare {
			delete(e, "alignment")
			align = 4
		}
		entries = append(entries, e)
		one("lib/models/"+m+".tflite", align)
		if labelled[m] {
			one("lib/models/"+m+".txt", 4)
		}
	}
	for _, h := range []string{"frontalface", "eye"} {
		if s.size != "0x20000" {
			entries = append(entries, map[string]any{"type": "haar", "path": "{TOP}/lib/haar/haarcascade_" + h + ".xml", "stages": 0})
			one("lib/haar/haarcascade_"+h+".xml", 4)
			want[len(want)-1].name = "haarcascade_" + h + ".cascade"
		}
	}
	if s.data {
		entries = append(entries, map[string]any{"type": "data", "path": "{TOP}/scripts/unittest/data/*"})
		files, err := filepath.Glob(filepath.Join(top, "scripts/unittest/data/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files { // which Glob sorts, as Python's sorted() does
			if name := "scripts/unittest/data/" + filepath.Base(f); content[name] != nil {
				one(name, 4)
			}
		}
	}
	return map[string]any{"size": s.size, "entries": entries}, want
}

// putConfig writes the configuration of a board.
func putConfig(t *testing.T, top, folder string, partitions map[string]any) string {
	t.Helper()
	config, err := json.MarshalIndent(partitions, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return put(t, top, "boards/"+folder+"/romfs_config.json", config)
}

// TestStockConfigurations imports configurations like those of all boards of
// OpenMV and compares the images with the oracle's.
func TestStockConfigurations(t *testing.T) {
	top, content := stockTree(t)
	for _, s := range stocks {
		t.Run(s.folder+s.partition, func(t *testing.T) {
			config, want := s.config(t, top, content)
			source := putConfig(t, top, s.folder, map[string]any{s.partition: config})
			out := filepath.Join(top, "boards", s.folder, "romfs"+s.partition+".yaml")
			res := run(t, importer.Options{Source: source, Out: out, Partition: s.partition})
			if got := build(t, out); !bytes.Equal(got[0], oracle(want)) {
				t.Errorf("the images differ: %d bytes, and %d of the oracle\n%s", len(got[0]), len(oracle(want)), res.Text)
			}
			if s.bare != "" && !hasNote(res, importer.NoteAlignment, s.bare) {
				t.Errorf("%s is less aligned than the board needs, and no note says so: %v", s.bare, res.Notes)
			}
			for _, n := range res.Notes {
				if n.Code == importer.NoteLost || n.Code == importer.NoteSize {
					t.Errorf("unexpected note: %s", n.String())
				}
			}
			if s.data && !strings.Contains(string(res.Text), "scripts/unittest/data/*") {
				t.Errorf("the pattern is gone:\n%s", res.Text)
			}
		})
	}
}

// TestBothPartitions: the whole configuration of the AE3, one manifest, and both
// images are the oracle's.
func TestBothPartitions(t *testing.T) {
	top, content := stockTree(t)
	partitions := map[string]any{}
	var want [][]oracleFile
	for _, s := range stocks {
		if s.folder == "OPENMV_AE3" {
			config, files := s.config(t, top, content)
			partitions[s.partition] = config
			want = append(want, files)
		}
	}
	out := filepath.Join(top, "ae3.yaml")
	res := run(t, importer.Options{Source: putConfig(t, top, "OPENMV_AE3", partitions), Out: out})
	got := build(t, out)
	if len(got) != 2 || len(want) != 2 {
		t.Fatalf("%d images, want %d\n%s", len(got), len(want), res.Text)
	}
	for i := range got {
		if !bytes.Equal(got[i], oracle(want[i])) {
			t.Errorf("romfs%d differs: %d bytes, and %d of the oracle\n%s", i, len(got[i]), len(oracle(want[i])), res.Text)
		}
	}
}

func hasNote(res *importer.Result, code, text string) bool {
	for _, n := range res.Notes {
		if n.Code == code && strings.Contains(n.Message, text) {
			return true
		}
	}
	return false
}

// TestManifestIsStable: what is imported twice is the same, and loads.
func TestManifestIsStable(t *testing.T) {
	top := t.TempDir()
	put(t, top, "a b.tflite", []byte("1"))
	put(t, top, "[x].tflite", []byte("2"))
	put(t, top, "a b.txt", []byte("label"))
	source := put(t, top, "romfs_config.json", []byte(`{"0": {"size": "0x400", "entries": [{"type": "tflite", "path": "{TOP}/*.tflite"}]}}`))
	o := importer.Options{Source: source, Out: filepath.Join(top, "out", "m.yaml")}
	a, b := run(t, o), run(t, o)
	if !bytes.Equal(a.Text, b.Text) {
		t.Error("two imports differ")
	}
	if _, err := manifest.Load(o.Out); err != nil {
		t.Error(err)
	}
	if got, want := build(t, o.Out)[0], oracle([]oracleFile{{"[x].tflite", []byte("2"), 4}, {"a b.tflite", []byte("1"), 4}, {"a b.txt", []byte("label"), 4}}); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x\n%s", got, want, a.Text)
	}
}
