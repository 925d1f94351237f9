package bazel

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/ram"
)

var measured = map[string]string{
	"app/romfs.yaml":  "version: 1\nname: app\nbudget: {max: 4KiB, warn: 50%}\nfiles:\n  - {src: \"*.py\", dest: /}\n",
	"app/table.py":    "VALUES = [n * n for n in range(500)]\n",
	"app/small.py":    "X = 1\n",
	"app/broken.py":   "import nothing\n",
	"app/pins.py":     "import pinout\nLED = pinout.LED\n",
	"stubs/pinout.py": "LED = 3\n",
}

// TestRAM measures an image by the action: every module, with the source that it
// was compiled from, the same each time; and what cannot be imported has its error.
func TestRAM(t *testing.T) {
	w := newWorkspace(t, measured)
	app := target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/table.py", "app/small.py", "app/broken.py", "app/pins.py"}}
	image, err := w.pack(app)
	if err != nil {
		t.Fatal(err)
	}
	flags, err := w.plan(app)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--label=@@//app:image", "--plan=" + app.out() + ".romfs.d/plan.json", "--packed=" + image, "--stub=stubs/pinout.py", "--out=" + image + ".ram.json"}, flags...)
	measure := func() string {
		t.Helper()
		if err := w.run("ram", args...); err != nil {
			t.Fatal(err)
		}
		return w.read(image + ".ram.json")
	}
	text := measure()
	if again := measure(); again != text {
		t.Errorf("measured again: %s\nat first: %s", again, text)
	}
	if strings.Contains(text, w.root) {
		t.Errorf("the figures name a path of this machine: %s", text)
	}
	ledger, err := ram.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*ram.Module{}
	for _, m := range ledger.Modules {
		byName[m.Name] = m
	}
	if names := slices.Sorted(maps.Keys(byName)); !slices.Equal(names, []string{"broken", "pins", "small", "table"}) {
		t.Fatalf("modules %v", names)
	}
	for _, name := range []string{"pins", "small", "table"} {
		if m := byName[name]; m.ROM.Failed() || m.Source == nil || m.Source.Failed() || m.Source.Heap <= 0 {
			t.Errorf("%s: from ROM %+v, from source %+v", name, m.ROM, m.Source)
		}
	}
	// 500 objects in a list take 4 bytes each on a board.
	if heap := byName["table"].ROM.Heap; heap < 2000 || heap > 6000 {
		t.Errorf("table takes %d bytes", heap)
	}
	if m := byName["broken"]; !m.ROM.Failed() || !strings.Contains(m.ROM.Error, "nothing") {
		t.Errorf("broken: %+v", m.ROM)
	}
	w.write(image+".html", "")
	page := []string{"--label=@@//app:image", "--packed=" + image, "--sidecar=" + image + ".json", "--plan=" + app.out() + ".romfs.d/plan.json", "--ram=" + image + ".ram.json"}
	if err := w.run("report", append(page, "--base="+image, "--out="+image+".html")...); err != nil {
		t.Fatal(err)
	}
	if html := w.read(image + ".html"); strings.Contains(html, w.root) || !strings.Contains(html, "small.mpy") {
		t.Errorf("the page has not what it is about, or a path of this machine")
	}
	w.write("other.json", strings.Replace(text, "small.mpy", "other.mpy", 1))
	if err := w.run("report", "--label=@@//app:image", "--packed="+image, "--sidecar="+image+".json", "--plan="+app.out()+".romfs.d/plan.json", "--ram=other.json", "--out=x"); err == nil || !strings.HasPrefix(err.Error(), "//app:image: ") {
		t.Errorf("figures of another image: %v", err)
	}
}

// TestMaxRAM: a test says which modules take too much, and by how much.
func TestMaxRAM(t *testing.T) {
	w := newWorkspace(t, measured)
	image, err := w.pack(target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/table.py", "app/small.py", "app/broken.py", "app/pins.py"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Label: "//app:test", files: &runfiles{dir: w.root}}
	for _, test := range []struct {
		limits []MaxRAM
		want   []string // in the output; none: it passes
	}{
		{limits: []MaxRAM{{"small", 1024}, {"pins", 4096}, {"table", 8192}}},
		{[]MaxRAM{{"small", 1024}, {"table", 1024}}, []string{
			"ok    importing small takes at most 1024 bytes of RAM\nFAIL  importing table takes at most 1024 bytes of RAM\n      it takes ", " too many: bytecode and constants stay in flash"}},
		{[]MaxRAM{{"broken", 1024}}, []string{"FAIL  importing broken", "it cannot be imported", "nothing"}},
		{[]MaxRAM{{"smal", 1024}}, []string{"FAIL  what modules cost in RAM can be measured", `image.romfs has no module "smal"`}},
	} {
		r.Test = &Test{Image: image, Stubs: []string{"stubs/pinout.py"}, MaxRAM: test.limits}
		var out bytes.Buffer
		err := r.RunTest(t.Context(), &out, nil)
		if (err == nil) != (test.want == nil) {
			t.Errorf("%v: %v\n%s", test.limits, err, &out)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: %s\nwant %q", test.limits, &out, want)
			}
		}
	}
	// As the rules write it.
	var request Request
	if err := json.Unmarshal([]byte(`{"test": {"max_ram": [{"module": "app", "max": 24576}]}}`), &request); err != nil || request.Test.MaxRAM[0] != (MaxRAM{"app", 24576}) {
		t.Errorf("%+v, %v", request.Test, err)
	}
}
