package provenance

import (
	"crypto/sha256"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/intoto"
)

// TestRelease: a release is of one commit, one Go, and each module once.
func TestRelease(t *testing.T) {
	t.Parallel()
	module := func(path, version, sum string) *debug.Module {
		return &debug.Module{Path: path, Version: version, Sum: sum}
	}
	replaced := module("example.com/old", "v1.0.0", "h1:old")
	replaced.Replace = module("example.com/new", "v1.1.0", "")
	r := &Release{
		Parameters: ReleaseParameters{Version: "1.2.3", URL: "https://example.com", Platforms: []string{"linux/amd64"}},
		Files:      []intoto.Resource{{Name: "romfs"}}, Commit: "abc",
		Programs: []*debug.BuildInfo{
			{GoVersion: "go1.26", Deps: []*debug.Module{module("example.com/a", "v1.0.0", "h1:a"), replaced}},
			{GoVersion: "go1.26", Deps: []*debug.Module{module("example.com/a", "v1.0.0", "h1:a"), module("example.com/b", "v2.0.0", "h1:b")}},
		},
	}
	s, err := r.Statement()
	if err != nil || s.PredicateType != intoto.SLSAType || len(s.Subject) != 1 {
		t.Fatal(s, err)
	}
	text := string(s.Predicate)
	for _, want := range []string{
		`"buildType":"` + ReleaseType + `"`, `"version":"1.2.3"`, `"gitCommit":"abc"`, `"id":"` + Releaser + `"`,
		`"uri":"pkg:golang/go@go1.26"`, `"uri":"pkg:golang/example.com/a@v1.0.0"`, `"uri":"pkg:golang/example.com/new@v1.1.0"`, `"uri":"pkg:golang/example.com/b@v2.0.0"`,
		`{"go.sum":"h1:b","version":"v2.0.0"}`, `{"version":"v1.1.0"}`,
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%d times %s in %s", strings.Count(text, want), want, text)
		}
	}
	if strings.Contains(text, "example.com/old") {
		t.Errorf("what was replaced is named: %s", text)
	}
}

// TestReadRefuses: statements that do not say how an image was made.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := `{"buildDefinition": {"buildType": "` + BuildType + `", "externalParameters": {"path": "romfs.yaml"}}}`
	digest := artifact.Digest(sha256.Sum256(nil)).String()
	for _, c := range []struct{ kind, predicate, sha256, want string }{
		{intoto.SLSAType, good, digest, ""},
		{intoto.ImageType, good, digest, "does not say how the image was made"},
		{intoto.SLSAType, "[", digest, "predicate: unexpected EOF"},
		{intoto.SLSAType, "{}", digest, `not made by romfs: the statement's buildType is ""`},
		{intoto.SLSAType, strings.Replace(good, "romfs.yaml", "", 1), digest, "does not name the manifest"},
		{intoto.SLSAType, good, "junk", "the statement's subject: "},
	} {
		s := &intoto.Statement{PredicateType: c.kind, Predicate: []byte(c.predicate), Subject: []intoto.Resource{{Digest: map[string]string{"sha256": c.sha256}}}}
		r, err := Read(s)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || err == nil && (r.Parameters.Path != "romfs.yaml" || r.Image.String() != digest) {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
		if _, again := Resources(s); (again == nil) != (err == nil) {
			t.Errorf("%+v: %v", c, again)
		}
	}
}

// TestCompare: what is another now, is new, or is gone; a digest that one side does not
// know is no difference.
func TestCompare(t *testing.T) {
	t.Parallel()
	of := func(name, digest string) intoto.Resource {
		if digest == "" {
			return intoto.Resource{Name: name}
		}
		return intoto.Resource{Name: name, Digest: map[string]string{"sha256": digest}}
	}
	r := &Recipe{Materials: []intoto.Resource{of("same", "1"), of("changed", "1"), of("gone", "1"), of("unknown", ""), of("known", "1")}}
	got := r.Compare([]intoto.Resource{of("same", "1"), of("changed", "2"), of("new", "1"), of("unknown", "1"), of("known", "")})
	if want := []Difference{{"changed", "changed"}, {"new", "added"}, {"gone", "removed"}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := r.Compare(r.Materials); got == nil || len(got) != 0 {
		t.Errorf("%v", got)
	}
}
