package manifest

import (
	"strings"
	"testing"

	"rules_romfs/manifest/internal/code"
)

func TestWarnings(t *testing.T) {
	models := []BoardAlign{{Match: "**/*.tflite", To: 32}}
	const openmvLints = `
layout: openmv
files:
  - src: "*.tflite"
  - src: "*.txt"
  - src: lib/*
    dest: lib/
    mpy: false
  - src: [main.py, boot.py, plain.py]
    mpy: {keep_source: ["*.py"]}
  - mkdir: data
`
	openmvTree := []string{"plain.tflite", "model.v2.tflite", "model.v3.tflite", "labels.v2.txt", "tab\tbed.txt", "größe.txt", "lib/app.py", "lib/net.py", "lib/lut.bin", "main.py", "boot.py", "plain.py"}
	long := strings.Repeat("n", 256)
	runTexts(t, "testdata/warnings.golden", []textCase{
		{name: "py and mpy", yaml: "files:\n  - src: \"*.py\"\n    mpy: false\n  - src: a.mpy\n", tree: []string{"a.py", "a.mpy"}},
		{name: "package shadows module", yaml: "files:\n  - src: \"**/*.py\"\n", tree: []string{"app.py", "app/__init__.py", "lib/x.py", "lib/x/y.py"}},
		{name: "directory shadows module", yaml: "files:\n  - src: app.py\n  - mkdir: app\n", tree: []string{"app.py"}},
		{name: "case", yaml: "files:\n  - src: \"**\"\n    exclude: [romfs.yaml]\n", tree: []string{"Lib/a", "lib/b", "x/README", "x/readme", "x/ReadMe"}},
		{name: "non-ASCII", yaml: "files:\n  - src: \"**\"\n    exclude: [romfs.yaml]\n", tree: []string{"é/a", "é/b", "ü"}},
		{name: "normalization", yaml: "lint: {allow: [non-ascii]}\nfiles:\n  - src: \"**\"\n    exclude: [romfs.yaml]\n", tree: []string{"\u00e4/x", "a\u0308/y", "b/\u00e4", "b/a\u0308", "c/\u00c4", "c/a\u0308"}},
		{name: "long name", yaml: "files:\n  - {src: a, dest: " + long + "/" + long + "}\n", tree: []string{"a"}},
		{name: "main compiled", yaml: "mpy: {keep_source: []}\nfiles:\n  - src: \"**/*.py\"\n", tree: []string{"main.py", "boot.py", "app/main.py"}},
		{name: "main given compiled", yaml: "files:\n  - src: main.mpy\n", tree: []string{"main.mpy"}},
		{name: "main kept", yaml: "files:\n  - src: \"*.py\"\n", tree: []string{"main.py", "boot.py"}},
		{name: "no effect", yaml: "files:\n  - src: \"**/*.py\"\n  - src: app.py\n    align: 4\n", tree: []string{"app.py"}},
		{name: "unused", yaml: "exclude: [src/dev, src/gone]\nalign:\n  - {match: \"*.tflite\", to: 16}\n  - {match: \"**/*.bin\", to: 16}\nfiles:\n  - src: src/**\n    exclude: [src/dev]\n", tree: []string{"src/dev/a.bin"}},
		{name: "secrets", yaml: "files:\n  - src: \"cert/*\"\n  - src: cert/ca.pem\n", tree: []string{"cert/ca.pem", "cert/id_rsa", "cert/device.key", "cert/fine.der"}},
		{name: "secrets excluded", yaml: "exclude: [\"**/*.key\"]\nfiles:\n  - src: \"cert/*\"\n", tree: []string{"cert/device.key", "cert/fine.der"}},
		{name: "below the board", yaml: "align: [{match: \"*.b\", to: 8}]\nfiles:\n  - src: m.tflite\n    align: 16\n  - src: [n.tflite, n.b]\n", tree: []string{"m.tflite", "n.tflite", "n.b"}, o: ResolveOptions{Board: "openmv-n6", BoardAlign: []BoardAlign{{Match: "**/*.tflite", To: 32, Why: "the NPU reads models by DMA"}, {Match: "*.b", To: 16}}}},
		{name: "OpenMV, in layout openmv", yaml: openmvLints, tree: openmvTree, o: ResolveOptions{Board: "openmv-n6", OpenMV: true, BoardAlign: models}},
		{name: "OpenMV, in another layout", yaml: strings.Replace(openmvLints, "layout: openmv", "layout: compact", 1), tree: openmvTree, o: ResolveOptions{Board: "openmv-n6", OpenMV: true, BoardAlign: models}},
		{name: "another board", yaml: strings.Replace(openmvLints, "layout: openmv", "layout: compact", 1), tree: openmvTree, o: ResolveOptions{Board: "mine", BoardAlign: models}},
		{name: "not compiled on purpose", yaml: "files:\n  - src: \"*.py\"\n", tree: []string{"a.py"}, o: ResolveOptions{OpenMV: true, Compile: new(false)}},
		{name: "silenced", yaml: "lint: {allow: [non-ascii]}\nfiles:\n  - src: \"*\"\n    exclude: [romfs.yaml]\n", tree: []string{"é", "a", "A"}, o: ResolveOptions{Allow: []LintCode{code.LintCase}}},
		{name: "beside an error", yaml: "files:\n  - src: é\n  - src: gone\n", tree: []string{"é"}},
	})
}

func TestLintsAreSortedAndKnown(t *testing.T) {
	all := Lints()
	for i, l := range all {
		if i > 0 && all[i-1].Code >= l.Code {
			t.Errorf("%s comes after %s", l.Code, all[i-1].Code)
		}
		if got, err := ParseLintCode(string(l.Code)); err != nil || got != l.Code {
			t.Errorf("ParseLintCode(%q) = %q, %v", l.Code, got, err)
		}
	}
	if _, err := ParseLintCode("non-asci"); err == nil || err.Error() != `there is no warning "non-asci"; did you mean "non-ascii"?` {
		t.Error(err)
	}
}
