package intoto

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"rules_romfs/packager/artifact"
)

// TestStatement: what New makes is read back, and is about that image and no other.
func TestStatement(t *testing.T) {
	t.Parallel()
	digest := artifact.Digest(sha256.Sum256([]byte("image")))
	s, err := New(&artifact.Sidecar{Name: "a/weather", Image: artifact.Image{SHA256: digest}}, ImageType, map[string]string{"version": "1"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Encode()
	if err != nil || !strings.HasSuffix(string(b), "}\n") {
		t.Fatalf("%q, %v", b, err)
	}
	got, err := Parse(b)
	if err != nil || got.PredicateType != ImageType || !strings.Contains(string(got.Predicate), `"version"`) {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got.About(digest) || got.About(sha256.Sum256([]byte("another"))) {
		t.Error("it is about another image, or not about its own")
	}
	if want := fmt.Sprintf("%q (sha256 %s)", "weather.romfs", digest.Short()); got.Names() != want {
		t.Errorf("%s, want %s", got.Names(), want)
	}
	if _, err := New(&artifact.Sidecar{}, ImageType, func() {}); err == nil {
		t.Error("a predicate that is no JSON")
	}
}

// TestParseRefuses: what is no statement about anything.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	head := `{"_type": "` + StatementType + `", "subject": [`
	for data, want := range map[string]string{
		"":   "no in-toto statement: unexpected end",
		"[]": "no in-toto statement: json",
		`{}`: `version 1: its _type is ""`,
		`{"_type": "` + strings.Repeat("x", 100) + `"}`: `its _type is "` + strings.Repeat("x", 80) + `"`,
		head + `]}`: "about nothing",
		head + strings.Repeat(`{},`, 1000) + `{}]}`: "1001 subjects, more than 1000",
	} {
		if _, err := Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: %v, want %s", data, err, want)
		}
	}
	s, err := Parse([]byte(head + strings.Repeat(`{},`, 999) + `{"name": "last"}]}`))
	if err != nil || !strings.HasSuffix(s.Names(), ` (sha256 "") and 999 more`) {
		t.Errorf("%v, %v", s, err)
	}
	s, err = Parse([]byte(head + `{"name": "a", "digest": {"sha256": "junk"}}]}`))
	if err != nil || s.Names() != `"a" (sha256 "junk")` {
		t.Errorf("%v, %v", s.Names(), err)
	}
}
