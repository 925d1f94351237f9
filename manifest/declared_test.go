package manifest

import (
	"context"
	"strings"
	"testing"
)

// Bazel resolves against declared files and built images: what is missing
// there is advised by the caller, who knows the labels.
func TestListSourceMissing(t *testing.T) {
	m, err := Parse([]byte(`version: 1
name: app
files:
  - src: src/mian.py
    dest: main.py
  - src: "data/**/*.bin"
  - image: ../common/romfs.yaml
    dest: common.romfs
`), "app/romfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	src, err := ListSource(map[string]string{"src/main.py": ""}, func(key, value string) string { return "add " + key + " " + value })
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Resolve(context.Background(), m, src, ResolveOptions{Images: map[string]string{"other.yaml": ""}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`app/romfs.yaml:4:10: files[0].src: there is no file "src/mian.py"; did you mean "src/main.py"? Otherwise add src src/mian.py`,
		`app/romfs.yaml:6:10: files[1].src: "data/**/*.bin" matches no file: there is no directory "data"; add src data/**/*.bin`,
		`app/romfs.yaml:7:12: files[2].image: no built image is given for "../common/romfs.yaml"; add image ../common/romfs.yaml`,
		`app/romfs.yaml:4:3: files: a built image is given for "other.yaml", which no rule names; write the path as the rule does, or do not give the image`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestListSourceErrors(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"a", "a/b", `"a" is both a file and a directory`},
		{"a/b/c", "a/b", `"a/b" is both a file and a directory`},
		{"a", "../b", `"../b" is no path below root`},
		{"a", "/b", `"/b" is no path below root`},
		{"a", "b//c", `"b//c" is no path below root`},
		{"a", "", `"" is no path below root`},
	} {
		if _, err := ListSource(map[string]string{c.a: "", c.b: ""}, nil); err == nil || err.Error() != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, err)
		}
	}
}
