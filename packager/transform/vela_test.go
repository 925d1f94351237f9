package transform_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/transform"
)

// byHand runs vela in an ordinary environment and folder, with what a person
// would type for that core.
func byHand(t *testing.T, vela string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	ini, err := os.ReadFile("vela.ini")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"model.tflite": model(t), "memories.ini": ini} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(vela, append(args, "--config", filepath.Join(dir, "memories.ini"), "--output-dir", "results", filepath.Join(dir, "model.tflite"))...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "PYTHONHASHSEED=7")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "results", "model_vela.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestVela: what the real vela makes of a real model is what lies in the image,
// for each core of the AE3, aligned for it. Run by hand, in another folder and
// environment, vela makes the same bytes: its output is a function of the model
// and the arguments.
func TestVela(t *testing.T) {
	vela := peer.Vela(t)
	onPath(t, vela)
	source := model(t)
	for _, tc := range []struct {
		board, partition string
		args             []string
	}{
		{"openmv-ae3", "romfs0", []string{"--accelerator-config", "ethos-u55-256", "--system-config", "RTSS_HP_SRAM_OSPI", "--memory-mode", "Shared_Sram"}},
		{"openmv-ae3", "romfs1", []string{"--accelerator-config", "ethos-u55-128", "--system-config", "RTSS_HE_SRAM_MRAM", "--memory-mode", "Shared_Sram"}},
		{"openmv-an547", "romfs0", []string{"--accelerator-config", "ethos-u55-256", "--system-config", "RTSS_HE_SRAM_Only", "--memory-mode", "Shared_Sram"}},
	} {
		path := project(t, velaManifest, map[string][]byte{"models/model.tflite": source, "models/model.txt": []byte("nothing\n")})
		_, image, s := build(t, pack.Options{Path: path, Board: tc.board, Partition: tc.partition})
		got, f := content(t, image, s, "models/model.tflite")
		want := byHand(t, vela, tc.args...)
		if !bytes.Equal(got, want) {
			t.Errorf("%s %s: the image holds %d bytes that are not the %d that vela makes by hand", tc.board, tc.partition, len(got), len(want))
		}
		if !bytes.Contains(got, []byte("ethos-u")) || bytes.Contains(source, []byte("ethos-u")) {
			t.Errorf("%s %s: no operator of the NPU is in the model, or one was in the source", tc.board, tc.partition)
		}
		if f.Offset%16 != 0 {
			t.Errorf("%s %s: the model lies at %d", tc.board, tc.partition, f.Offset)
		}
		if *f.SourceSHA256 == f.SHA256 {
			t.Errorf("%s %s: the digest of the source is that of the output", tc.board, tc.partition)
		}
		made := artifact.Transform{Preset: "vela", Version: "5.2.0",
			Args: append(slices.Clone(tc.args), "--config", "./vela.ini", "--output-dir", "{outdir}", "{in}")}
		if diff := cmp.Diff(made, *f.Transform); diff != "" {
			t.Errorf("%s %s: sidecar (-want +got):\n%s", tc.board, tc.partition, diff)
		}

		// Converted already: vela is not run again, and need not be there.
		withVela := os.Getenv("PATH")
		t.Setenv("PATH", t.TempDir())
		path = project(t, velaManifest, map[string][]byte{"models/model.tflite": got, "models/model.txt": []byte("nothing\n")})
		im, again, s := build(t, pack.Options{Path: path, Board: tc.board, Partition: tc.partition})
		t.Setenv("PATH", withVela)
		same, f := content(t, again, s, "models/model.tflite")
		if !bytes.Equal(same, got) || f.Transform.Kept != string(transform.AlreadyDone) {
			t.Errorf("%s %s: a converted model is converted again: %+v", tc.board, tc.partition, f.Transform)
		}
		if why := im.Input("models/model.tflite").Why; why != "vela has converted it before" {
			t.Errorf("explain says %q", why)
		}
	}
}
